/**
 * `npm run test:guides [-- <guide> …]`: follows each guide of docs/guides by itself, in a copy of the repository in an empty folder. Its
 * blocks are applied, its commands are run, and what they print is compared (guide.ts says how they are read). A guide also says how
 * many source files it takes; it may not become more.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyRepository } from './copy.ts'
import { follow } from './follow.ts'

// What is compiled in a copy that is removed is never used again.
delete process.env.NODE_COMPILE_CACHE

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'docs/guides')
/** Each takes a processor, most of the time. */
const atOnce = 2

/** Files below `src` that are new or changed. */
const mostSources: Readonly<Record<string, number>> = { 'add-a-field': 8, 'add-a-query': 3, 'add-a-kafka-api': 4 }

const known = readdirSync(folder)
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .map((file) => basename(file, '.md'))
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !known.includes(name))
if (unknown.length > 0) throw new Error(`There is no guide ${unknown.join(', ')}: there are ${known.join(', ')}`)

// What is begun ends with this: `follow.ts` ends its commands, and the copies go.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

const waiting = asked.length > 0 ? asked : [...known]
const failed: string[] = []
await Promise.all(Array.from({ length: atOnce }, followNext))
if (failed.length > 0) {
  console.error(`FAILED: ${failed.join(', ')}`)
  process.exitCode = 1
}

async function followNext(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const startedAt = performance.now()
    const copy = mkdtempSync(join(tmpdir(), `streampay-${name}-`))
    const remove = () => rmSync(copy, { recursive: true, force: true })
    process.once('exit', remove)
    try {
      await followIn(copy, name, startedAt)
    } catch (error) {
      failed.push(name)
      console.error(`FAIL ${name}: ${(error as Error).message}`)
    } finally {
      remove()
      process.off('exit', remove)
    }
  }
}

async function followIn(copy: string, name: string, startedAt: number): Promise<void> {
  copyRepository(root, copy)
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0)
  const markdown = readFileSync(join(folder, `${name}.md`), 'utf8')
  const { steps, sources } = await follow(markdown, copy, (step) =>
    console.log(`     ${name}: ${step} (${seconds()} s)`),
  )
  const most = mostSources[name] ?? 0
  if (sources.length > most) {
    throw new Error(`it takes ${sources.length} source files, more than ${most}: ${sources.join(', ')}`)
  }
  console.log(`ok   ${name}: ${steps} steps, ${sources.length} source files, ${seconds()} s`)
}
