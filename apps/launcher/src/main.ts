/**
 * `npm start`: starts the services, each in a process of its own, and keeps them running until Ctrl-C. Exit code 0 after a clean stop, 1
 * when something can't run, 2 for options that are not possible, such as a port in use.
 */
import { dirname, resolve } from 'node:path'
import { pause } from '@streampay/process/pause'
import { banner } from './banner.ts'
import { openControl } from './control/open-control.ts'
import { createLauncher, type Launcher } from './launcher.ts'
import { openBrowser, openWithSystem } from './open-browser.ts'
import { helpText } from './option-list.ts'
import { UsageError } from './option-values.ts'
import { type LauncherOptions, parseOptions, portsOf } from './options.ts'
import { checkPorts } from './ports.ts'
import { applicationUrls, authorityFile, brokersOf, type Places, servicesFor } from './services.ts'

// Ctrl-C arrives once from the terminal and again from each wrapper that passes it on.
const sameKeyPressMs = 1_000

const clock = { elapsed: () => performance.now(), delay: pause }

process.exitCode = await main()
// The IPC channel to `npm start` would keep this process alive; it is no longer needed.
process.removeAllListeners('disconnect')
if (process.connected) process.disconnect?.()

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), process.env)
    if (options === 'help') {
      console.log(helpText())
      return 0
    }
    if (options.trust === 'remove') return await untrustAll(options)
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
  const places = placesOf(options)
  let launcher: Launcher | undefined
  const opened = await openControl({ options, places, env: process.env, clock, launcher: () => launcher })
  launcher = createLauncher({
    services: servicesFor(options, places, opened?.port),
    places,
    brokers: brokersOf(options),
    env: opened === undefined ? process.env : { ...process.env, STREAMPAY_VITALS: 'on' },
    clock,
    print: (line) => console.log(line),
    ...(opened === undefined ? {} : { watcher: opened.control }),
  })
  try {
    return await runUntilStopped(launcher, { options, places, startedAt })
  } finally {
    await opened?.close()
  }
}

type Running = { readonly options: LauncherOptions; readonly places: Places; readonly startedAt: number }

async function runUntilStopped(launcher: Launcher, { options, places, startedAt }: Running): Promise<number> {
  const stopRequested = stopRequests(launcher)

  const isReady = await launcher.start()
  if (!isReady) return stopRequested.isRequested() ? 0 : 1
  console.log(banner(options, places))
  console.log(`  Ready in ${((clock.elapsed() - startedAt) / 1000).toFixed(1)} s.\n`)
  if (options.trust === 'add') await trustAll(places)
  if (options.open) await showApplication(options)

  const reason = await Promise.race([stopRequested.promise, launcher.failed.then(() => 'failed' as const)])
  await launcher.stop()
  console.log(reason === 'failed' ? 'Stopped, because a service can’t be kept running.' : 'Stopped.')
  return reason === 'failed' ? 1 : 0
}

function placesOf({ data }: LauncherOptions): Places {
  return { root: dirname(dirname(dirname(import.meta.dirname))), data: resolve(data) }
}

async function trustAll(places: Places): Promise<void> {
  const { thisMachine, trust } = await import('./trust.ts')
  const { lines, isDone } = await trust(authorityFile(places), thisMachine())
  for (const line of lines) console.log(`  ${line}`)
  const again = isDone ? 'npm start -- --untrust undoes it' : 'the steps above are still to be done'
  console.log(`  A browser that runs has to be started again; ${again}.\n`)
}

async function untrustAll(options: LauncherOptions): Promise<number> {
  const { thisMachine, untrust } = await import('./trust.ts')
  const { lines, isDone } = await untrust(authorityFile(placesOf(options)), thisMachine())
  for (const line of lines) console.log(line)
  return isDone ? 0 : 1
}

async function showApplication(options: LauncherOptions): Promise<void> {
  const [url] = applicationUrls(options)
  const { env, platform } = process
  const trouble = await openBrowser({ url, isTerminal: process.stdout.isTTY, platform, env, open: openWithSystem })
  if (trouble !== undefined) console.log(`  ${trouble}\n`)
}

/** The first signal asks for a clean stop, the next one ends everything at once. */
function stopRequests(launcher: Launcher) {
  const { promise, resolve: request } = Promise.withResolvers<'requested'>()
  let requestedAt: number | undefined
  const onSignal = () => {
    if (requestedAt === undefined) {
      requestedAt = clock.elapsed()
      console.log('Stopping …')
      request('requested')
      // While services are still starting, no other code waits for the request.
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
