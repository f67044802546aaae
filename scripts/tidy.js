// The repository lints itself: the rules of CONTRIBUTING.md that no other tool knows. Prints every violation with its
// place and exits 1 if there is one.
import { existsSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { repositoryFiles } from './repository.js'

const maxFileLines = 500
// Of all sources, nine of ten are within this: a file that holds two concepts is split before it is at the limit of one file.
const maxP90Lines = 200
const mostNamed = 5
// The outermost layer: processes, the clock that is passed inwards, and code that runs in a browser tab.
const mayReadTheClock = /(^|\/)(main|clock|entropy)\.ts$|^apps\/(ui|streampay)\/|(^|\/)test\/|^bench\/|^scripts\//
// Modules that test files load.
const supportsTests = /(^|\/)test\/.*(?<!\.test)\.ts$/
// Code that computes with money; its one place for division is the rounding function.
const computesMoney = /^apps\/(domain|payments|audit|simulation)\/src\//
// The other files beside it know no amounts.
const mayDivide =
  /(^|\/)money\.ts$|^apps\/domain\/src\/seconds\.ts$|^apps\/audit\/src\/spool\.ts$|^apps\/simulation\/src\/crowd-clock\.ts$/

const files = repositoryFiles('.')
const violations = []
// The sources with their number of lines.
const lengths = []

for (const file of files) {
  if (/\.(ts|js|cjs|mjs|vue)$/.test(file)) checkSource(file, readFileSync(file, 'utf8'))
  if (file.endsWith('package-lock.json')) checkLockFile(file, readFileSync(file, 'utf8'))
  if (file === 'docs/findings.md') checkNamedTests(file, readFileSync(file, 'utf8'))
}

checkP90()

for (const violation of violations) console.error(violation)
console.log(`tidy: ${files.length} files, ${violations.length} violations`)
process.exitCode = violations.length === 0 ? 0 : 1

function checkSource(file, text) {
  const lines = text.split('\n')
  const length = lines.length - 1
  lengths.push({ file, length })
  if (length > maxFileLines) report(file, maxFileLines + 1, `${length} lines, the limit is ${maxFileLines}`)
  for (const [index, line] of lines.entries()) checkLine(file, index + 1, line)
  if (computesMoney.test(file) && !mayDivide.test(file)) checkDivisions(file, text)
}

/** By nearest rank: nine of ten files have at most so many lines. Names the files that are the least above the limit. */
function checkP90() {
  const sorted = lengths.toSorted((left, right) => left.length - right.length)
  const at = Math.ceil((sorted.length * 9) / 10) - 1
  const p90 = sorted[at]?.length ?? 0
  if (p90 <= maxP90Lines) return
  const above = sorted.filter(({ length }) => length > maxP90Lines)
  const tooMany = above.length - (sorted.length - 1 - at)
  const named = above.slice(0, mostNamed).map(({ file, length }) => `${file} (${length})`)
  violations.push(
    `the 90th percentile of the lengths of files is ${p90} lines, the limit is ${maxP90Lines}: too many are longer by ${tooMany}; just above it are ${named.join(', ')}`,
  )
}

function checkLine(file, number, line) {
  if (file === 'scripts/tidy.js') return
  if (/\b(TODO|FIXME|XXX|HACK)\b/.test(line)) report(file, number, 'unfinished work is not left behind as a comment')
  if (/\b(it|test|describe)\.(skip|only|todo)\b/.test(line)) report(file, number, 'no test is skipped or singled out')
  if (/@ts-(ignore|nocheck|expect-error)/.test(line) && !/(^|\/)test\//.test(file))
    report(file, number, 'the type checker is not silenced')
  if (supportsTests.test(file) && /^(after|before)(Each|All)\(/.test(line))
    report(
      file,
      number,
      'test files share processes, so this counts for the first alone that loads it: call onTestFinished',
    )
  if (
    !mayReadTheClock.test(file) &&
    /\b(Date\.now|Math\.random|performance\.now)\(|new Date\(\)/.test(stripComment(line))
  ) {
    report(file, number, 'time and randomness are passed in; only main.ts, clock.ts and entropy.ts read them')
  }
}

function stripComment(line) {
  return line.replace(/\/\/.*$/, '').replace(/^\s*\*.*$/, '')
}

function checkDivisions(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const visit = (node) => {
    if (
      ts.isBinaryExpression(node) &&
      (node.operatorToken.kind === ts.SyntaxKind.SlashToken ||
        node.operatorToken.kind === ts.SyntaxKind.SlashEqualsToken)
    ) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart())
      report(file, line + 1, 'money is divided only by the rounding function in money.ts')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
}

function checkLockFile(file, text) {
  for (const [index, line] of text.split('\n').entries()) {
    if (/"resolved": "https?:/.test(line))
      report(file, index + 1, 'the lock file contains no download address (see .npmrc)')
  }
}

/**
 * Each row of the table names its tests as `file` › name, or says in words why there is none. A name is a part of a test's title as it is
 * written in the file, so that a renamed or removed test is reported here.
 */
function checkNamedTests(file, text) {
  for (const [index, line] of text.split('\n').entries()) {
    const row = /^\| *(\d+\.\d+[^|]*)\|/.exec(line)
    if (row === null) continue
    const named = [...line.matchAll(/`([^`]+\.(?:ts|js|py))`((?: › [^|;]+)?)/g)]
    if (named.length === 0 && !/No test:/.test(line)) report(file, index + 1, `finding ${row[1].trim()} names no test`)
    for (const [, test, names] of named) {
      if (!existsSync(test)) {
        report(file, index + 1, `there is no file ${test}`)
        continue
      }
      const source = readFileSync(test, 'utf8')
      for (const name of names.split(' › ').slice(1)) {
        if (!source.includes(name.trim())) report(file, index + 1, `${test} has no "${name.trim()}"`)
      }
    }
  }
}

function report(file, line, message) {
  violations.push(`${file}:${line} ${message}`)
}
