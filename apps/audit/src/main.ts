/**
 * `npm run audit [-- --brokers host:port,…]`: reads the log and checks the invariants. Exit codes: 0 clean, 1 violated,
 * 2 undecidable, 3 unreadable.
 */
import { parseArgs } from 'node:util'
import { clientOptionsFromEnv, openCluster } from '@streampay/kafka'
import { UndecidableError } from './errors.ts'
import { readLogCut } from './read-cut.ts'
import { report } from './report.ts'
import { verify } from './verify.ts'

const help = `npm run audit -- [options]

Checks the invariants of ARCHITECTURE.md on a log, live or quiet.

  --brokers <list>   host:port, comma-separated (default: KAFKA_BROKERS or localhost:9092)
  --help             this text

KAFKA_TLS, KAFKA_TLS_CA, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are honoured.
Exit codes: 0 clean, 1 violated (the records are named), 2 undecidable, 3 unreadable.`

process.exitCode = await audit()

async function audit(): Promise<number> {
  let brokers: string | undefined
  try {
    const { values } = parseArgs({ options: { brokers: { type: 'string' }, help: { type: 'boolean' } } })
    if (values.help === true) {
      console.log(help)
      return 0
    }
    brokers = values.brokers
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${help}`)
    return 3
  }
  const env = brokers === undefined ? process.env : { ...process.env, KAFKA_BROKERS: brokers }
  const cluster = openCluster(clientOptionsFromEnv(env, 'streampay-audit'))
  try {
    await cluster.ready({ timeoutMs: 10_000 })
    const cut = await readLogCut(cluster, {
      nowMs: Date.now,
      ...(process.stderr.isTTY ? { onProgress: (text: string) => console.error(text) } : {}),
    })
    const findings = verify(cut)
    console.log(report(cut, findings))
    return findings.length === 0 ? 0 : 1
  } catch (error) {
    console.error(`${error instanceof UndecidableError ? 'undecidable' : 'unreadable'}: ${messageOf(error)}`)
    return error instanceof UndecidableError ? 2 : 3
  } finally {
    await cluster.close()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
