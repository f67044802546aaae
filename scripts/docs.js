// `npm run docs [-- --serve]`: builds the site from the documents into docs/site/dist, and checks it; with `--serve` it is then shown on
// loopback. What only the site needs is installed into docs/site at the first call, by its own lock file.
import { join } from 'node:path'
import { root, runNode, runScript, runSteps, SetupError, setUp, setUpFolder } from './setup.js'

const site = join(root, 'docs/site')
const vitepress = join(site, 'node_modules/vitepress/bin/vitepress.js')
const typedoc = join(site, 'node_modules/typedoc/bin/typedoc')
const steps = [
  [typedoc, '--options', join(site, 'typedoc.json'), '--logLevel', 'Warn'],
  [join(site, 'build/main.ts')],
  [vitepress, 'build', site],
  [join(site, 'build/check.ts')],
]

await runScript(async () => {
  const [option, ...others] = process.argv.slice(2)
  if (others.length > 0 || (option !== undefined && option !== '--serve'))
    throw new SetupError('Usage: npm run docs [-- --serve]')
  await setUp()
  await setUpFolder(site)
  const code = await runSteps(steps)
  if (code !== 0) return code
  console.log('built: docs/site/dist')
  return option === '--serve' ? serve() : 0
})

/** With the Vite of the UI, on loopback only: VitePress would listen on all addresses. */
function serve() {
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  return runNode([vite, 'preview', site, '--outDir', 'dist', '--host', '127.0.0.1', '--port', '9099'])
}
