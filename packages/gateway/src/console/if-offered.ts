/** Sends the log requests that some logs do not support, or do not allow. */
import { BrokerError, KafkaError } from '@streampay/kafka'

/** A sentence for each answer that is missing. */
export type Missing = string[]

/**
 * @returns undefined if the log does not support the request, or refuses it to this gateway; `missing` then has a further sentence
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
