/** `npm run repair`: see the help text in options.ts. */
import { type Cluster, clientOptionsFromEnv, openCluster } from '@streampay/kafka'
import { openLogger } from '@streampay/process'
import { startedBrokers } from '@streampay/process/run-file'
import { ensureTopics, replicationFactorFrom } from '../ensure-topics.ts'
import { help, type Request, requestFrom, UsageError } from './options.ts'
import { type Code, codes, repair } from './repair.ts'

process.exitCode = await main()

async function main(): Promise<Code> {
  let request: Request | 'help'
  try {
    request = requestFrom(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message} See npm run repair -- --help`)
    return codes.usage
  }
  if (request === 'help') {
    console.log(help)
    return codes.done
  }
  let cluster: Cluster | undefined
  try {
    const env = { ...process.env, KAFKA_BROKERS: request.brokers ?? startedBrokers(process.env) }
    cluster = openCluster(clientOptionsFromEnv(env, 'streampay-repair'))
    await cluster.ready({ timeoutMs: 10_000 })
    await ensureTopics(cluster, { replicationFactor: replicationFactorFrom(process.env) })
    // Log lines of the readers are not needed: the results are printed.
    const logger = openLogger({ base: { service: 'repair' }, level: 'silent' })
    return await repair(request, { cluster, logger, nowMs: Date.now, print: (text) => console.log(text) })
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return codes.log
  } finally {
    await cluster?.close()
  }
}
