// `node scripts/picture.js <demo|screenshots> [arguments]`: builds the UI, and takes pictures of it on Node 26.
import { buildUi, root, runNode, runScript, SetupError, setUp } from './setup.js'

const [what, ...args] = process.argv.slice(2)

await runScript(async () => {
  if (what !== 'demo' && what !== 'screenshots') throw new SetupError('Usage: node scripts/picture.js demo|screenshots')
  await setUp()
  await buildUi()
  return runNode([`${root}/test/${what}/main.ts`, ...args])
})
