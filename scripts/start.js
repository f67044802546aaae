// `npm start`: sets up what is missing, then runs the launcher on Node 26. Set-up is here and not in a `prestart`
// script, because npm skips those when ignore-scripts is set.
import { buildUi, compileCache, compileServices, root, runNode, runScript, setUp } from './setup.js'

const args = process.argv.slice(2)

await runScript(async () => {
  await setUp()
  if (!args.includes('--help') && !args.includes('-h')) {
    await buildUi()
    await compileServices()
  }
  // Compiled code is kept: every process after the first start needs less time and memory.
  process.env.NODE_COMPILE_CACHE = compileCache()
  return runNode(['--max-semi-space-size=1', `${root}/apps/launcher/src/main.ts`, ...args], { ipc: true })
})
