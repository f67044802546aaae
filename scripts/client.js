// `npm run client`: generates the types of the HTTP API from the gateway's OpenAPI document, into examples/typed-client/dist, and checks
// the example by them. What only that needs is installed into the folder at the first call, by its own lock file.
import { join } from 'node:path'
import { root, runScript, runSteps, setUp, setUpFolder } from './setup.js'

const folder = join(root, 'examples/typed-client')
const document = join(folder, 'dist/openapi.json')
const types = join(folder, 'dist/streampay.ts')
const steps = [
  [join(folder, 'write-document.ts')],
  [join(folder, 'node_modules/openapi-typescript/bin/cli.js'), document, '--output', types],
  [join(folder, 'node_modules/typescript/bin/tsc'), '-p', folder],
]

await runScript(async () => {
  await setUp()
  await setUpFolder(folder)
  const code = await runSteps(steps)
  if (code !== 0) return code
  console.log('generated, and the example has its types: examples/typed-client/dist/streampay.ts')
  return 0
})
