import { type ChildProcess, spawn } from 'node:child_process'
import type { LogFile } from './log-file.ts'
import type { ServiceDefinition } from './services.ts'

/** How a process ended: its exit code or signal, and its last message on stderr, unless it was killed. */
export type Ending = { readonly code: number | null; readonly signal: string | null; readonly lastWords: string }

export type ServiceProcess = {
  readonly pid: number | undefined
  /** Its message about what is ready. Never rejects; stays pending if the process ends first. */
  readonly ready: Promise<string>
  readonly ended: Promise<Ending>
  /** Asks it to end; resolves when it has. After `timeoutMs` it is killed. */
  stop(timeoutMs: number): Promise<Ending>
  kill(): void
  /** Pauses and resumes it; not possible on Windows. */
  pause(): void
  resume(): void
  /** For services that read messages of their parent. */
  send(message: object): void
}

/** Messages of a service to its parent, other than that it is ready. */
export type Listeners = {
  /** A warning for the terminal. */
  readonly onWarning?: (text: string) => void
  /** Any other message, unchanged. */
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
      // A killed process does not write why: the text on stderr is an old warning.
      const end = () => resolve({ code, signal, lastWords: signal === 'SIGKILL' ? '' : lastWords() })
      // Its last output may still be in the pipe; but after a disconnect Node never emits that the pipes are closed.
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
      // A service that has just ended gets no more messages.
      if (child.connected) child.send(message, () => undefined)
    },
  }
}

async function stop({ child, ended, timeoutMs }: { child: ChildProcess; ended: Promise<Ending>; timeoutMs: number }) {
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  // Windows has no signals; there the closed channel asks for the same.
  if (process.platform !== 'win32') {
    child.kill('SIGTERM')
    // A paused process handles it only once it continues.
    child.kill('SIGCONT')
  } else if (child.connected) child.disconnect()
  const ending = await ended
  clearTimeout(deadline)
  return ending
}

/** Sends all output to the log file, and keeps the end of stderr: a failed start says why there. */
function collect(child: ChildProcess, log: LogFile): () => string {
  let words = ''
  child.stdout?.on('data', (chunk: Buffer) => log.write(chunk))
  child.stderr?.on('data', (chunk: Buffer) => {
    log.write(chunk)
    words = (words + chunk.toString('utf8')).slice(-maxLastWordsLength)
  })
  return () => lastSentence(words)
}

/** The message of an uncaught error is in the middle of its stack; all other errors are in the last line. */
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
