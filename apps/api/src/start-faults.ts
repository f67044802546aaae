/** The reason why a gateway can't start, in one sentence that says what to do. */
type Env = Readonly<Record<string, string | undefined>>

export function sentenceFor(error: unknown, env: Env): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  const port = env.GATEWAY_PORT || '9090'
  const dataDir = env.GATEWAY_DATA_DIR || 'data/gateway'
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use: stop what uses it, or set GATEWAY_PORT.`
    case 'EACCES':
      return message.includes('listen')
        ? `Port ${port} may not be opened by this user: choose one above 1023 with GATEWAY_PORT.`
        : `The data folder ${dataDir} cannot be written: ${message}.`
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${env.GATEWAY_HOST ?? ''}: check GATEWAY_HOST.`
    case 'LOCAL_STORE_LOCKED':
      return `${message}: two gateways cannot share it, so give this one another GATEWAY_STATE_DIR.`
    case 'LOCAL_STORE_UNUSABLE':
      return `${message}. Delete it, or name another one with GATEWAY_STATE_DIR.`
    case 'KAFKA_UNAVAILABLE':
    case 'KAFKA_TIMEOUT':
      return `No log answers at ${env.KAFKA_BROKERS || 'localhost:9092'}: start it, or set KAFKA_BROKERS (${message}).`
    default:
      return message
  }
}
