import { type ChildProcess, spawn } from 'node:child_process'
import type { LogFile } from './log-file.ts'
import type { ServiceDefinition } from './services.ts'

/** How a process ended: its exit code or signal, and the last thing it said on stderr, unless it was killed. */
export type Ending = { readonly code: number | null; readonly signal: string | null; readonly lastWords: string }

export type ServiceProcess = {
  readonly pid: number | undefined
  /** Its own words about what is ready. Rejects never; stays pending if the process ends first. */
  readonly ready: Promise<string>
  readonly ended: Promise<Ending>
  /** Asks it to end; resolves when it has. After `timeoutMs` it is killed. */
  stop(timeoutMs: number): Promise<Ending>
  kill(): void
  /** Stands still, and goes on; no process of Windows can. */
  pause(): void
  resume(): void
  /** For services that listen to their parent. */
  send(message: object): void
}

/** What a service tells its parent, beside that it is ready. */
export type Listeners = {
  /** What everybody at the terminal should know. */
  readonly onWarning?: (text: string) => void
  /** Any other message, as it came. */
  readonly onTold?: (message: object) => void
}

const maxLastWordsLength = 2000
const pipesTimeoutMs = 500

/**
 * Starts one service. On POSIX it gets a process group of its own, so that Ctrl-C reaches the launcher alone and the
 * services stop in order. If the launcher dies, the service sees its IPC channel close and ends by itself.
 */
export function startProcess(
  service: ServiceDefinition,
  log: LogFile,
  env: NodeJS.ProcessEnv,
  { onWarning, onTold }: Listeners = {},
): ServiceProcess {
  const child = spawn(process.execPath, [...service.nodeFlags, service.main], {
    env: { ...env, ...service.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  const lastWords = collect(child, log)
  const ready = new Promise<string>((resolve) => {
    child.on('message', (message: unknown) => {
      const detail = textOf(message, 'ready', 'detail')
      if (detail !== undefined) resolve(detail)
    })
  })
  child.on('message', (message: unknown) => {
    const text = textOf(message, 'warning', 'text')
    if (text !== undefined) onWarning?.(text)
    if (typeof message === 'object' && message !== null) onTold?.(message)
  })
  const ended = new Promise<Ending>((resolve) => {
    child.on('error', (error) => resolve({ code: null, signal: null, lastWords: error.message }))
    child.on('exit', (code, signal) => {
      // Who is killed says nothing about it: what stands on stderr is an old warning.
      const end = () => resolve({ code, signal, lastWords: signal === 'SIGKILL' ? '' : lastWords() })
      // Its last words may still be in the pipe; but after a disconnect Node never says that the pipes are closed.
      const deadline = setTimeout(end, pipesTimeoutMs)
      child.on('close', () => {
        clearTimeout(deadline)
        end()
      })
    })
  })
  return {
    pid: child.pid,
    ready,
    ended,
    stop: (timeoutMs) => stop({ child, ended, timeoutMs }),
    kill: () => child.kill('SIGKILL'),
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    send: (message) => {
      // A service that has just ended is told nothing more.
      if (child.connected) child.send(message, () => undefined)
    },
  }
}

async function stop({ child, ended, timeoutMs }: { child: ChildProcess; ended: Promise<Ending>; timeoutMs: number }) {
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  // Windows has no signals; there the closed channel asks for the same.
  if (process.platform !== 'win32') {
    child.kill('SIGTERM')
    // One that stands still hears it only once it goes on.
    child.kill('SIGCONT')
  } else if (child.connected) child.disconnect()
  const ending = await ended
  clearTimeout(deadline)
  return ending
}

/** Sends all output to the log file, and remembers the end of stderr: a start that fails says why there. */
function collect(child: ChildProcess, log: LogFile): () => string {
  let words = ''
  child.stdout?.on('data', (chunk: Buffer) => log.write(chunk))
  child.stderr?.on('data', (chunk: Buffer) => {
    log.write(chunk)
    words = (words + chunk.toString('utf8')).slice(-maxLastWordsLength)
  })
  return () => lastSentence(words)
}

/** The message of an uncaught error stands in the middle of its stack; everything else is told in the last line. */
function lastSentence(words: string): string {
  const lines = words.trim().split('\n')
  return lines.findLast((line) => /^(\w*Error)( \[\w+\])?: /.test(line)) ?? lines.at(-1) ?? ''
}

/** A member of a message of one type, empty if it is missing; undefined for messages of other types. */
function textOf(message: unknown, type: string, member: string): string | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  if (Reflect.get(message, 'type') !== type) return undefined
  const text: unknown = Reflect.get(message, member)
  return typeof text === 'string' ? text : ''
}
