// `npm test [-- vitest's arguments]`, and the suites with a configuration of their own: sets up, builds the UI, then runs Vitest on Node 26.
import { buildUi, compileCache, root, runNode, runScript, setUp } from './setup.js'

await runScript(async () => {
  await setUp()
  await buildUi()
  process.chdir(root)
  // Tests start a hundred services: each finds what the first one compiled.
  process.env.NODE_COMPILE_CACHE = compileCache()
  return runNode([`${root}/node_modules/vitest/vitest.mjs`, 'run', ...process.argv.slice(2)])
})
