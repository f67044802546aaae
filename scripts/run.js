// `node scripts/run.js [flags of Node] <file.ts> [arguments]`: runs a TypeScript file on Node 26, started by any Node version.
import { resolve } from 'node:path'
import { compileCache, runNode, runScript, SetupError, setUp } from './setup.js'

const words = process.argv.slice(2)
const fileAt = words.findIndex((word) => !word.startsWith('--'))
const file = words[fileAt]

await runScript(async () => {
  if (file === undefined) throw new SetupError('Usage: node scripts/run.js [flags of Node] <file.ts> [arguments]')
  await setUp()
  // What starts services again and again finds what the first one compiled.
  process.env.NODE_COMPILE_CACHE = compileCache()
  return runNode([...words.slice(0, fileAt), resolve(file), ...words.slice(fileAt + 1)])
})
