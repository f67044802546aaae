// `npm run types -- apps/payments apps/ui`: the types of some folders or files with what they import, in less time than all.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { buildUi, root, runNode, runScript, SetupError, setUp } from './setup.js'

const ui = 'apps/ui'
const folders = process.argv.slice(2).map((folder) => folder.replace(/\/$/, ''))

await runScript(async () => {
  if (folders.length === 0) throw new SetupError('Usage: npm run types -- <folders or files>')
  await setUp()
  const others = folders.filter((folder) => folder !== ui)
  if (others.length > 0 && (await checkTypes(others)) !== 0) return 1
  if (folders.includes(ui) && (await checkUi()) !== 0) return 1
  console.log(`the types are right: ${folders.join(', ')}`)
  return 0
})

function checkTypes(includes) {
  const place = join(root, 'node_modules/.cache/streampay')
  const fromThere = (path) => relative(place, join(root, path))
  const config = { extends: fromThere('tsconfig.json'), include: includes.map(fromThere), exclude: [] }
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'types.json'), JSON.stringify(config))
  return runNode([join(root, 'node_modules/typescript/bin/tsc'), '-p', join(place, 'types.json')])
}

/** These rest on what the build of the UI generates. */
async function checkUi() {
  await buildUi()
  return runNode([join(root, 'node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit', '-p', join(root, ui, 'tsconfig.json')])
}
