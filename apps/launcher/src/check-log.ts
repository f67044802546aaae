/** Whether an external log answers, before anything is started that would have to be stopped again. */
import { clientOptionsFromEnv, KafkaError, openCluster } from '@streampay/kafka'
import { UsageError } from './option-values.ts'

const answerTimeoutMs = 10_000

/** @throws {UsageError} when the settings can't be used, or no log answers in time */
export async function checkLog(brokers: string, env: NodeJS.ProcessEnv): Promise<void> {
  try {
    const cluster = openCluster(clientOptionsFromEnv({ ...env, KAFKA_BROKERS: brokers }, 'streampay'))
    try {
      await cluster.ready({ timeoutMs: answerTimeoutMs })
    } finally {
      await cluster.close()
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const isSetting = error.code === 'KAFKA_INVALID_ARGUMENT' || error.code === 'KAFKA_AUTHENTICATION'
    const advice = isSetting ? '' : ': start it, or choose another with --brokers'
    throw new UsageError(`The log can't be used: ${error.message}${advice}.`, { cause: error })
  }
}
