/**
 * `npm run audit [-- --brokers host:port,…]`: reads the log and checks the invariants. Exit codes: 0 clean, 1 violated,
 * 2 undecidable, 3 unreadable, 130 and 143 ended by a signal.
 */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { type Cluster, clientOptionsFromEnv, openCluster } from '@streampay/kafka'
import { progressTo } from '@streampay/process'
import { startedBrokers } from '@streampay/process/run-file'
import { type AuditResult, auditResult, exitCodes, failureResult } from './audit-result.ts'

const help = `npm run audit -- [options]

Checks the invariants of ARCHITECTURE.md on a log, live or quiet, in bounded memory.

  --brokers <list>    host:port, comma-separated (default: KAFKA_BROKERS, or those that
                      npm start used last with the data folder of STREAMPAY_DATA, or localhost:9092)
  --scratch <folder>  for files that the audit makes and removes: about 1.3 GB for a million payments
                      (default: the system's folder for temporary files, ${tmpdir()})
  --help              this text

KAFKA_TLS, KAFKA_TLS_CA, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are honoured.
Exit codes: 0 clean, 1 violated (the records are named), 2 undecidable, 3 unreadable.`

const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const

process.exitCode = await main()

async function main(): Promise<number> {
  let options: { readonly brokers?: string; readonly scratch?: string }
  try {
    const { values } = parseArgs({
      options: { brokers: { type: 'string' }, scratch: { type: 'string' }, help: { type: 'boolean' } },
    })
    if (values.help === true) {
      console.log(help)
      return 0
    }
    options = values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`)
    return exitCodes.unreadable
  }
  return await audit(options)
}

async function audit({ brokers, scratch = tmpdir() }: { brokers?: string; scratch?: string }): Promise<number> {
  const stop = new AbortController()
  let stopped: keyof typeof signalCodes | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopped = signal
      stop.abort(new Error(`ended by ${signal}`))
    })
  }
  const progress = progressTo(process.stderr, Date.now)
  let cluster: Cluster | undefined
  let outcome: AuditResult
  try {
    const env = { ...process.env, KAFKA_BROKERS: brokers ?? startedBrokers(process.env) }
    cluster = openCluster(clientOptionsFromEnv(env, 'streampay-audit'))
    await cluster.ready({ timeoutMs: 10_000 })
    const { signal } = stop
    outcome = await auditResult(cluster, { scratch, nowMs: Date.now, onProgress: progress.told, signal })
  } catch (error) {
    outcome = failureResult(error)
  } finally {
    progress.end()
    await cluster?.close()
  }
  if (stopped !== undefined) {
    console.error(`ended by ${stopped}`)
    return signalCodes[stopped]
  }
  if (outcome.code === exitCodes.clean || outcome.code === exitCodes.violated) console.log(outcome.text)
  else console.error(outcome.text)
  return outcome.code
}
