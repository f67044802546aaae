/** A service for the tests of `runService`; each variable causes one fault. */
import { setTimeout as delay } from 'node:timers/promises'
import { openLogger, runService } from '../../src/index.ts'

const { START, CLOSE, DONE, READY } = process.env
const failed = Promise.withResolvers<never>()
failed.promise.catch(() => undefined)

process.on('SIGUSR2', () => service.stop('SIGUSR2', 'wait'))
const service = runService({
  title: 'The service',
  logger: openLogger({ name: 'service' }),
  cannotStart: (reason) => `The service cannot start: ${reason}`,
  hasStopped: (reason) => `The service stopped: ${reason}`,
  exitCodeOf: (error) => (error instanceof RangeError ? 75 : 1),
  async start() {
    if (START === 'fails') throw new RangeError('no log')
    if (START === 'takes long') {
      process.send?.({ type: 'starting' })
      await delay(2_000)
    }
    // A service has something that keeps it alive.
    const timer = setInterval(() => undefined, 1_000)
    if (DONE === 'fails') setTimeout(() => failed.reject(new Error('the disk is full')), 50)
    return {
      ready: READY === 'never' ? neverReady() : 'here',
      done: failed.promise,
      async close() {
        if (CLOSE === 'fails') throw new Error('no')
        if (CLOSE === 'hangs') await new Promise(() => undefined)
        clearInterval(timer)
        process.stdout.write('closed\n')
      },
      onReady: async () => void process.send?.({ type: 'after' }),
    }
  },
})

async function neverReady(): Promise<undefined> {
  process.send?.({ type: 'started' })
  return undefined
}
