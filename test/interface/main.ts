/**
 * `npm run test:interface [-- --seconds 60 --seed 1 --path /pay]`: Schemathesis makes valid and invalid requests from `/openapi.json`, and
 * sends them to a running StreamPay with some data in it: for three quarters of the time requests for JSON, and then for event streams,
 * `/live` included, of which it reads the first event. It exits with 0 only if no answer was a server error, had a status or a body that
 * the document doesn't name, or refused what the document calls valid. `.ci/install-peers` installs Schemathesis.
 *
 * What a schema can't express is left out, or taken from earlier answers of the gateway (document-for-schemathesis.ts): `before` of a page
 * has an offset for each partition, and the log decides their number; `view` of `/live` is another request. `cursor` of `/users` belongs to
 * a search and can't be combined with `id`: only there a refusal of a valid request is no fault.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BankClient } from '../support/bank-client.ts'
import { startStreamPay } from '../support/streampay-process.ts'
import { type Document, documentForSchemathesis, type Representation } from './document-for-schemathesis.ts'
import { type KnownData, makeKnownData } from './known-data.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    path: { type: 'string' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000_000}` },
  },
})
const program = fileURLToPath(new URL('../../.ci/.cache/python/bin/schemathesis', import.meta.url))
const config = await readFile(new URL('schemathesis.toml', import.meta.url), 'utf8')
if (!existsSync(program)) {
  console.error(`There is no Schemathesis at ${program}: run .ci/install-peers.`)
  process.exit(1)
}

const tester = 'schemathesis'
const folder = await mkdtemp(join(tmpdir(), 'streampay-interface-'))
const streamPay = await startStreamPay({ args: ['--no-simulation'] })
const bank = new BankClient({ origins: [streamPay.origin], ca: streamPay.caCertificate() })
let code = 1
try {
  const known = await makeKnownData(bank, tester)
  const { body } = await bank.call({ method: 'GET', path: '/openapi.json' })
  const ca = join(folder, 'ca.pem')
  await writeFile(ca, streamPay.caCertificate())
  const ask = async (representation: Representation, share: number, args: readonly string[]) => {
    const document = join(folder, `${representation}.json`)
    const configFile = join(folder, `${representation}.toml`)
    const content = documentForSchemathesis(body as Document, representation, known)
    if (values.path !== undefined && !(values.path in content.paths)) return 0
    await writeFile(document, JSON.stringify(content))
    await writeFile(configFile, `${config}\n${dictionariesOf(known)}`)
    return run([
      ...['--config-file', configFile, 'run', document, '--url', streamPay.origin, '--tls-verify', ca, '--no-color'],
      ...['--header', `Authorization: Bearer ${await bank.token(tester)}`, ...args],
      ...['--max-time', `${Math.ceil(Number(values.seconds) * share)}`, '--seed', values.seed],
      ...(values.path === undefined ? [] : ['--include-path', values.path]),
    ])
  }
  const codes = [
    await ask('json', 0.75, ['--phases', 'examples,coverage,fuzzing']),
    await ask('stream', 0.25, [
      '--phases',
      'fuzzing',
      '--header',
      'Accept: text/event-stream',
      '--request-timeout',
      '5',
    ]),
  ]
  code = codes.find((each) => each !== 0) ?? 0
} finally {
  bank.close()
  await rm(folder, { recursive: true, force: true })
  const ended = await streamPay.stop()
  if (ended !== 0) {
    console.error(`StreamPay ended with ${ended}, not 0, after Ctrl-C`)
    code = 1
  }
}
console.log(code === 0 ? `clean; seed ${values.seed}` : `faults; seed ${values.seed}`)
process.exitCode = code

/** For the parameters in schemathesis.toml. */
function dictionariesOf(known: KnownData): string {
  const tables = Object.entries(known).map(
    ([name, entries]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(entries)}\n`,
  )
  return tables.join('\n')
}

function run(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('close', (exit) => resolve(exit ?? 1))
  })
}
