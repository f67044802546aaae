// Every link of every document that does not leave the repository leads to a file, and to a heading of it if it names one. In
// docs/where.md each `name` also stands in a file that its step links to. Prints what does not, and exits 1 if there is anything.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import GithubSlugger from 'github-slugger'
import { repositoryFiles } from './repository.js'

const documents = repositoryFiles('.', '*.md')
const headings = new Map()
const faults = []
let links = 0

for (const file of documents) {
  for (const [number, line] of proseOf(file)) {
    for (const target of linksOf(line)) checkLink(file, number, target)
  }
}
checkNames('docs/where.md')

for (const fault of faults) console.error(fault)
console.log(`links: ${documents.length} documents, ${links} links, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

function checkLink(file, number, target) {
  if (/^[a-z]+:/.test(target)) return
  links += 1
  const [path, anchor] = target.split('#')
  const place = path === '' ? file : normalize(join(dirname(file), path))
  if (!existsSync(place)) faults.push(`${file}:${number} there is no ${place}`)
  else if (anchor && place.endsWith('.md') && !anchorsOf(place).has(anchor))
    faults.push(`${file}:${number} ${place} has no heading #${anchor}`)
}

/** Steps are numbered, and go on in the lines that are indented. */
function checkNames(file) {
  const steps = readFileSync(file, 'utf8').matchAll(/^\d+\. .*(?:\n {3}.*)*/gm)
  for (const [step] of steps) {
    const sources = linksOf(step).map((target) => join(dirname(file), target))
    for (const [, name] of step.matchAll(/`([#\w]+)`/g)) {
      const isThere = sources.some((source) => existsSync(source) && readFileSync(source, 'utf8').includes(name))
      if (!isThere) faults.push(`${file}: \`${name}\` is not in ${sources.join(', ')}`)
    }
  }
}

function linksOf(text) {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
}

/** The lines that are no code, each with its number. */
function proseOf(file) {
  let isCode = false
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line, index) => [index + 1, line])
    .filter(([, line]) => {
      const isFence = /^\s*```/.test(line)
      if (isFence) isCode = !isCode
      return !isCode && !isFence
    })
}

function anchorsOf(file) {
  const known = headings.get(file)
  if (known !== undefined) return known
  const slugger = new GithubSlugger()
  const anchors = new Set()
  for (const [, line] of proseOf(file)) {
    const [, title] = /^#+ +(.*)$/.exec(line) ?? []
    // A link or code in a heading is its text.
    if (title !== undefined)
      anchors.add(slugger.slug(title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '')))
  }
  headings.set(file, anchors)
  return anchors
}
