// `node scripts/run.js <file.ts> [arguments]`: runs a TypeScript file on Node 26, whatever Node this is.
import { resolve } from 'node:path'
import { runNode, runScript, SetupError, setUp } from './setup.js'

const [file, ...args] = process.argv.slice(2)

await runScript(async () => {
  if (file === undefined) throw new SetupError('Usage: node scripts/run.js <file.ts> [arguments]')
  await setUp()
  return runNode([resolve(file), ...args])
})
