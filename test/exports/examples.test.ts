/**
 * Each `@example` of what the packages export is a program. All of them are type-checked, as strictly as the sources; one that says
 * what it prints (`// → …`, a comment for each line) is run, in a folder of its own, and prints just that. Where an example says
 * `localhost:9092`, there is an embedded broker, and each example makes topics of its own.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Broker, startBroker } from '@streampay/broker'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Export, publicSurface } from '../../scripts/public-surface.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const surface = publicSurface(root)
const examples = surface.flatMap((one) =>
  one.examples.map(({ place, code = '' }, index) => fileOf(one, place, code, index)),
)
const printing = examples.filter(({ prints }) => prints.length > 0)

const folder = mkdtempSync(join(tmpdir(), 'streampay-examples-'))
let broker: Broker

beforeAll(async () => {
  broker = await startBroker({ dataDir: join(folder, 'log'), port: 0 })
  // As in the project of a stranger, who has installed the packages.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  mkdirSync(join(folder, 'work'))
  for (const { file, code } of examples) {
    writeFileSync(join(folder, file), code.replaceAll('localhost:9092', `127.0.0.1:${broker.port}`))
  }
})

afterAll(async () => {
  await broker.close()
  rmSync(folder, { recursive: true })
})

test('each entry point from which something is imported has an example', () => {
  const without = new Set(surface.map(({ entry }) => entry))
  for (const { entry, examples: own } of surface) if (own.length > 0) without.delete(entry)
  expect([...without]).toEqual([])
})

test('each example stands between fences', () => {
  expect(examples.filter(({ code }) => code === '').map(({ place }) => place)).toEqual([])
})

test('the types of each example are right', { timeout: 120_000 }, () => {
  expect(faultsOfTypes()).toEqual([])
})

test('each example prints what it says', async () => {
  const printed = await run()
  const said = printing.map(({ place, prints }) => [
    place,
    prints.replaceAll('localhost:9092', `127.0.0.1:${broker.port}`),
  ])
  expect(printed).toEqual(Object.fromEntries(said))
})

function fileOf({ entry, name }: Export, place: string, code: string, index: number) {
  const prints = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line).join('\n')
  return { place, code, prints, file: `${entry.replaceAll(/\W+/g, '-')}-${name}-${index}.ts` }
}

function faultsOfTypes(): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const files = examples.map(({ file }) => join(folder, file))
  const program = ts.createProgram(files, { ...options, typeRoots: [join(root, 'node_modules/@types')] })
  return examples.flatMap(({ file, place }) => {
    const source = program.getSourceFile(join(folder, file))
    const faults = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return faults.map(({ messageText }) => `${place} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  })
}

/** One process for all, one after the other: what each has printed, or thrown, by its place. */
async function run(): Promise<Record<string, string>> {
  const program = `
    const printed = {}
    for (const [place, file] of ${JSON.stringify(printing.map(({ place, file }) => [place, join(folder, file)]))}) {
      const lines = []
      console.log = (...words) => lines.push(formatWithOptions({ colors: false }, ...words))
      await import(pathToFileURL(file)).catch((error) => lines.push(String(error.stack)))
      printed[place] = lines.join('\\n')
    }
    process.stdout.write(JSON.stringify(printed))`
  const imports = `import { pathToFileURL } from 'node:url'\nimport { formatWithOptions } from 'node:util'\n`
  writeFileSync(join(folder, 'run.js'), `${imports}${program}`)
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'run.js')], {
    cwd: join(folder, 'work'),
  })
  return JSON.parse(stdout) as Record<string, string>
}
