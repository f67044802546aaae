import { join } from 'node:path'
import { type LogFile, openLogFile } from './log-file.ts'
import { withoutLoopbackProxy } from './loopback-env.ts'
import { makeFolder } from './make-folder.ts'
import { makeOwnerOnly } from './owner-only.ts'
import { openRunFolder } from './run-folder.ts'
import { type Ending, startProcess } from './service-process.ts'
import type { Places, ServiceDefinition } from './services.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'

export type LauncherConfig = {
  readonly services: readonly ServiceDefinition[]
  readonly places: Places
  /** `host:port`, comma-separated, for commands that run beside the services. */
  readonly brokers: string
  /** Environment variables for every service, in addition to its own. */
  readonly env: NodeJS.ProcessEnv
  readonly clock: SupervisorOptions['clock']
  readonly stopTimeoutMs?: number
  /** One line for the terminal. */
  readonly print: (line: string) => void
  readonly watcher?: ServiceWatcher
}

export type Launcher = {
  /** Starts all, stage by stage. @returns false if one can't start: then the reason was printed, and no service is left running */
  start(): Promise<boolean>
  /** Stops all in reverse order; a second call waits for the first. */
  stop(): Promise<void>
  /** Ends all at once. */
  kill(): void
  /** Resolves when a running service can't be kept running any more. */
  readonly failed: Promise<void>
  /** The services as they are supervised, in the order in which they were started. */
  supervisors(): readonly Supervisor[]
}

/** The events of a service, for the control interface. */
export type ServiceWatcher = {
  onReady(name: string): void
  onEnded(name: string): void
  /** A message of the service to its parent that is neither `ready` nor a warning. */
  onTold(name: string, message: object): void
}

const noticeEveryMs = 10_000

export function createLauncher(config: LauncherConfig): Launcher {
  const { services, places, env, print } = config
  const ofServices = withoutLoopbackProxy(env)
  const logs = join(places.data, 'logs')
  const runFolder = openRunFolder(places.data, print)
  const nameWidth = Math.max(...services.map(({ name }) => name.length))
  const supervisors: Supervisor[] = []
  const logFiles: LogFile[] = []
  const failure = Promise.withResolvers<void>()
  let stopped: Promise<void> | undefined

  const label = (name: string) => name.padEnd(nameWidth)
  const events: SupervisorOptions['events'] = {
    onReady({ name, pid, detail, isFirst, startMs }) {
      runFolder.write(name, pid)
      config.watcher?.onReady(name)
      const seconds = (startMs / 1000).toFixed(1)
      print(`${label(name)}  ready ${isFirst ? '' : 'again '}(pid ${pid}) after ${seconds} s: ${detail}`)
    },
    onRestart({ name, ending, delayMs, wasAsked }) {
      config.watcher?.onEnded(name)
      if (wasAsked) {
        print(`${label(name)}  is started again, as asked`)
        return
      }
      const reason = ending.lastWords === '' ? '' : ` (${ending.lastWords})`
      print(`${label(name)}  ${describeEnding(ending)}${reason}; starting it again in ${delayMs / 1000} s`)
    },
    onFailed({ name, ending }) {
      const reason = ending.lastWords === '' ? `It ${describeEnding(ending)}.` : ending.lastWords
      print(`${label(name)}  can't run. ${reason} (Log: ${join(logs, `${name}.log`)})`)
      failure.resolve()
    },
  }

  function supervise(service: ServiceDefinition): Supervisor {
    const onWarning = (text: string) => print(`${label(service.name)}  warning: ${text}`)
    const log = openLogFile(join(logs, `${service.name}.log`), { onTrouble: onWarning })
    logFiles.push(log)
    const onTold = (message: object) => config.watcher?.onTold(service.name, message)
    const start = (one: ServiceDefinition) => startProcess(one, log, ofServices, { onWarning, onTold })
    const supervisor = new Supervisor({ ...config, service, start, events })
    supervisors.push(supervisor)
    return supervisor
  }

  const stop = (): Promise<void> => {
    stopped ??= stopAll()
    return stopped
  }

  async function startOne(service: ServiceDefinition): Promise<boolean> {
    const text = `${label(service.name)}  is still starting`
    const isReady = await withNotices(supervise(service).start(), { ...config, text })
    if (!isReady) await stop()
    return isReady
  }

  async function stopAll(): Promise<void> {
    for (const supervisor of supervisors.toReversed()) {
      await supervisor.stop()
      runFolder.remove(supervisor.name)
    }
    for (const log of logFiles) log.close()
  }

  return {
    failed: failure.promise,
    supervisors: () => supervisors,
    stop,
    kill: () => {
      for (const supervisor of supervisors) supervisor.kill()
    },
    async start() {
      makeFolder(logs)
      makeOwnerOnly(logs, 0o700)
      runFolder.started({ brokers: config.brokers })
      for (const stage of stagesOf(services)) {
        if (stopped !== undefined) return false
        const areReady = await Promise.all(stage.map(startOne))
        if (areReady.includes(false)) return false
      }
      return true
    },
  }
}

function stagesOf(services: readonly ServiceDefinition[]): ServiceDefinition[][] {
  const stages = new Map<number, ServiceDefinition[]>()
  for (const service of services) stages.set(service.stage, [...(stages.get(service.stage) ?? []), service])
  return [...stages].sort(([left], [right]) => left - right).map(([, members]) => members)
}

/** A log that must be read again after a crash takes a while: this line says so, since nothing else is printed. */
async function withNotices<T>(work: Promise<T>, { clock, print, text }: LauncherConfig & { text: string }): Promise<T> {
  const finished = new AbortController()
  const notices = (async () => {
    for (let seconds = 0; ; seconds += noticeEveryMs / 1000) {
      if (seconds > 0) print(`${text} (${seconds} s)`)
      await clock.delay(noticeEveryMs, finished.signal)
      if (finished.signal.aborted) return
    }
  })()
  try {
    return await work
  } finally {
    finished.abort()
    await notices
  }
}

function describeEnding({ code, signal }: Ending): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
}
