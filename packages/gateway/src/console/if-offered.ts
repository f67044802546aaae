/** Asks the log for what not every log offers, and not to everybody. */
import { BrokerError, KafkaError } from '@streampay/kafka'

/** What could not be had, each in a sentence. */
export type Missing = string[]

/**
 * @returns undefined if the log does not speak of this, or not to this gateway; `missing` then has a sentence more
 * @throws every other error
 */
export async function ifOffered<T>(api: string, missing: Missing, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    const why = refusalOf(error)
    if (why === undefined) throw error
    missing.push(`${api}: ${why}`)
    return undefined
  }
}

function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof KafkaError)) return undefined
  if (error.code === 'KAFKA_UNSUPPORTED_VERSION') return 'this log does not offer it.'
  const isDenied = error instanceof BrokerError && error.brokerError.endsWith('_AUTHORIZATION_FAILED')
  return isDenied ? `the log does not allow it to the gateway (${error.brokerError}).` : undefined
}
