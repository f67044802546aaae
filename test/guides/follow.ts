/** Does in a copy of the repository what a guide says, step after step. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { changed } from './change.ts'
import { type Block, blocksOf } from './guide.ts'

const commandTimeoutMs = 240_000
const shownLines = 60

export type Followed = { readonly steps: number; readonly sources: readonly string[] }

/** @throws Error that names the step and what was different there */
export async function follow(markdown: string, copy: string, onStep: (step: string) => void): Promise<Followed> {
  const blocks = blocksOf(markdown)
  const printed = { text: '' }
  for (const [index, block] of blocks.entries()) {
    try {
      await act(block, copy, printed)
    } catch (error) {
      throw new Error(`${block.step} (line ${block.line}): ${(error as Error).message}`, { cause: error })
    }
    if (blocks[index + 1]?.step !== block.step) onStep(block.step)
  }
  checkThatItShows(blocks)
  const paths = blocks.flatMap((block) => ('path' in block && block.path.includes('/src/') ? [block.path] : []))
  return { steps: new Set(blocks.map(({ step }) => step)).size, sources: [...new Set(paths)] }
}

async function act(block: Block, copy: string, printed: { text: string }): Promise<void> {
  switch (block.kind) {
    case 'file': {
      const file = join(copy, block.path)
      if (existsSync(file)) throw new Error(`${block.path} is there already`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, block.text)
      return
    }
    case 'change': {
      const file = join(copy, block.path)
      if (!existsSync(file)) throw new Error(`there is no ${block.path}`)
      try {
        writeFileSync(file, changed(readFileSync(file, 'utf8'), block.text))
      } catch (error) {
        throw new Error(`${block.path}: ${(error as Error).message}`, { cause: error })
      }
      return
    }
    case 'commands':
      printed.text = ''
      for (const command of block.commands) printed.text += await run(command, block.fails, copy)
      return
    case 'prints':
      checkPrinted(block.lines, printed.text)
  }
}

/** What it printed. */
async function run(command: string, fails: boolean, cwd: string): Promise<string> {
  const output: Buffer[] = []
  const child = spawn('sh', ['-c', command], { cwd, env: environmentIn(cwd), detached: true })
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const end = () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL')
  const timer = setTimeout(end, commandTimeoutMs)
  process.once('exit', end)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  process.off('exit', end)
  const text = stripVTControlCharacters(Buffer.concat(output).toString('utf8'))
  if (signal !== null) throw new Error(`\`${command}\` took longer than ${commandTimeoutMs} ms:\n${tailOf(text)}`)
  if ((code !== 0) === fails) return text
  throw new Error(`\`${command}\` ${fails ? 'succeeds before the change' : `ends with ${code}`}:\n${tailOf(text)}`)
}

/** That of a shell in the copy: nothing of the npm that runs this, and no colours. */
function environmentIn(copy: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|FORCE_COLOR|NODE_OPTIONS)/i.test(name))
  const path = [join(copy, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  return { ...Object.fromEntries(inherited), PATH: path, NO_COLOR: '1' }
}

function checkPrinted(expected: readonly string[], text: string): void {
  const lines = text.split('\n')
  let next = 0
  for (const line of expected.filter((each) => each.trim() !== '')) {
    const pattern = new RegExp(line.trim().split('…').map(RegExp.escape).join('.*'))
    const found = lines.findIndex((each, index) => index >= next && pattern.test(each))
    if (found === -1)
      throw new Error(`"${line.trim()}" is not printed${next === 0 ? '' : ' behind that'}:\n${tailOf(text)}`)
    next = found + 1
  }
}

/** A guide's test could pass without its change, or never be run again after it. */
function checkThatItShows(blocks: readonly Block[]): void {
  const before = blocks.flatMap((block) => (block.kind === 'commands' && block.fails ? block.commands : []))
  const after = blocks.flatMap((block) => (block.kind === 'commands' && !block.fails ? block.commands : []))
  if (before.length === 0) throw new Error('no test fails before the change')
  const left = before.filter((command) => !after.includes(command))
  if (left.length > 0) throw new Error(`this fails before the change and is not run after it: ${left.join(', ')}`)
}

function tailOf(text: string): string {
  return text.trimEnd().split('\n').slice(-shownLines).join('\n')
}
