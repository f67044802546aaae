/**
 * `npm run test:client`: the client whose types are generated from the OpenAPI document. The types are generated and the example is checked by
 * them, as `npm run client` does; then it runs against a whole StreamPay, with the certificate and a token of its development issuer.
 */
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BankClient } from '../support/bank-client.ts'
import { newIntent } from '../support/intent.ts'
import { startStreamPay } from '../support/streampay-process.ts'
import { checkRefusals } from './refused-by-the-types.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const timeoutMs = 30_000
/** An account is opened with 500.00 $, and has paid one cent. */
const expected = 'before: 49999 cents\nafter: 48749 cents\n'

const { status } = spawnSync(process.execPath, [join(root, 'scripts/client.js')], { stdio: 'inherit' })
if (status !== 0) process.exit(1)
checkRefusals(join(root, 'examples/typed-client'))
const streamPay = await startStreamPay({ args: ['--no-simulation'] })
const bank = new BankClient({ origins: [streamPay.origin], ca: streamPay.caCertificate() })
try {
  for (const identity of ['ada', 'grace']) {
    const body = { name: `The ${identity}`, username: identity }
    await bank.settle(newIntent({ identity, method: 'PUT', path: '/current-user', body }), { timeoutMs })
  }
  // Her account is opened by her first payment.
  await bank.settle(
    newIntent({ identity: 'ada', method: 'POST', path: '/pay', body: { userId: 'grace', amount: 1 } }),
    {
      timeoutMs,
    },
  )
  const env = {
    ...process.env,
    GATEWAY_URL: streamPay.origin,
    NODE_EXTRA_CA_CERTS: join(streamPay.dataDir, 'gateway/ca.pem'),
    TOKEN: await bank.token('ada'),
    PAYEE: 'grace',
  }
  const { stdout } = await run(process.execPath, [join(root, 'examples/typed-client/pay.ts')], {
    env,
    timeout: timeoutMs,
  })
  if (stdout !== expected) throw new Error(`pay.ts printed ${JSON.stringify(stdout)}, not ${JSON.stringify(expected)}.`)
  console.log(`ok  pay.ts prints ${JSON.stringify(stdout)}`)
} finally {
  bank.close()
  const code = await streamPay.stop()
  if (code !== 0) {
    console.error(`StreamPay ended with ${code}, not 0, after Ctrl-C`)
    process.exitCode = 1
  }
}
