/**
 * `npm start`: starts the services, each in a process of its own, and keeps them running until Ctrl-C. Exit code 0 after a
 * clean stop, 1 when something can't run, 2 for options that can't be met, such as a port in use.
 */
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { banner } from './banner.ts'
import { createLauncher, type Launcher } from './launcher.ts'
import { helpText, type LauncherOptions, parseOptions, portsOf, UsageError } from './options.ts'
import { checkPorts } from './ports.ts'
import { brokersOf, type Places, servicesFor } from './services.ts'

// Ctrl-C arrives once from the terminal and again from each wrapper that passes it on.
const sameKeyPressMs = 1_000

const clock = {
  elapsed: () => performance.now(),
  delay: async (ms: number, signal: AbortSignal) => {
    try {
      await delay(ms, undefined, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
}

process.exitCode = await main()
// The IPC channel to `npm start` would keep this process alive; its end means nothing any more.
process.removeAllListeners('disconnect')
if (process.connected) process.disconnect?.()

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), process.env)
    if (options === 'help') {
      console.log(helpText())
      return 0
    }
    await checkPorts(portsOf(options))
    if (options.brokers !== undefined) {
      // Loaded only for this: the client's code would stay in the launcher's memory.
      const { checkLog } = await import('./check-log.ts')
      await checkLog(options.brokers, process.env)
    }
    return await run(options)
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(error.message)
      return 2
    }
    if (error instanceof Error && 'syscall' in error) {
      console.error(`The data folder can't be used: ${error.message}.`)
      return 1
    }
    throw error
  }
}

async function run(options: LauncherOptions): Promise<number> {
  const startedAt = clock.elapsed()
  const root = dirname(dirname(dirname(import.meta.dirname)))
  const places: Places = { root, data: resolve(options.data) }
  const launcher = createLauncher({
    services: servicesFor(options, places),
    places,
    brokers: brokersOf(options),
    env: process.env,
    clock,
    print: (line) => console.log(line),
  })
  const stopRequested = stopRequests(launcher)

  const isReady = await launcher.start()
  if (!isReady) return stopRequested.isRequested() ? 0 : 1
  console.log(banner(options, places))
  console.log(`  Ready in ${((clock.elapsed() - startedAt) / 1000).toFixed(1)} s.\n`)

  const reason = await Promise.race([stopRequested.promise, launcher.failed.then(() => 'failed' as const)])
  await launcher.stop()
  console.log(reason === 'failed' ? 'Stopped, because a service can’t be kept running.' : 'Stopped.')
  return reason === 'failed' ? 1 : 0
}

/** The first signal asks for a clean stop, another key press ends everything at once. */
function stopRequests(launcher: Launcher) {
  const { promise, resolve: request } = Promise.withResolvers<'requested'>()
  let requestedAt: number | undefined
  const onSignal = () => {
    if (requestedAt === undefined) {
      requestedAt = clock.elapsed()
      console.log('Stopping …')
      request('requested')
      // While services are still starting, nobody else waits for the request.
      launcher.stop().catch((error: unknown) => console.error(error))
    } else if (clock.elapsed() - requestedAt > sameKeyPressMs) {
      console.log('Ending everything at once.')
      launcher.kill()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  // `npm start` itself was ended.
  process.on('disconnect', onSignal)
  // A closed terminal must not end the launcher before the services.
  process.stdout.on('error', () => {})
  return { promise, isRequested: () => requestedAt !== undefined }
}
