/** The processes of a run: none of them is left, in whatever way the run ends. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

export type Child = {
  readonly pid: number
  readonly process: ChildProcess
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  /** The first message of this type; rejects if the process ends before. */
  message<T>(type: string): Promise<T>
  /** Asks it to end and waits; after `timeoutMs` it is killed. */
  stop(timeoutMs?: number): Promise<number | string>
  kill(): Promise<void>
}

const stopTimeoutMs = 20_000

export class Children {
  readonly #running = new Map<number, Child>()
  /** Processes that a child of ours started, such as the services of the launcher. */
  readonly #adopted = new Set<number>()

  /** Starts Node with a channel: the services, and our own rivals, end by themselves when it closes. */
  async node(args: readonly string[], options: SpawnOptions = {}): Promise<Child> {
    const spawned = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], ...options })
    await once(spawned, 'spawn')
    const { pid } = spawned
    if (pid === undefined) throw new Error(`${args.join(' ')} was not started`)
    const ended = once(spawned, 'exit').then(([code, signal]): number | string => code ?? signal)
    const child: Child = {
      pid,
      process: spawned,
      ended,
      message: (type) => messageOf(spawned, { type, ended, what: args.find((arg) => /\.[jt]s$/.test(arg)) ?? 'node' }),
      async stop(timeoutMs = stopTimeoutMs) {
        if (spawned.exitCode === null && spawned.signalCode === null) spawned.kill('SIGTERM')
        const timer = setTimeout(() => spawned.kill('SIGKILL'), timeoutMs)
        const how = await ended
        clearTimeout(timer)
        return how
      },
      async kill() {
        spawned.kill('SIGKILL')
        await ended
      },
    }
    this.#running.set(pid, child)
    ended.finally(() => this.#running.delete(pid))
    return child
  }

  adopt(pids: Iterable<number>): void {
    for (const pid of pids) this.#adopted.add(pid)
  }

  /** They have ended: the system may give their pids to others. */
  forget(pids: Iterable<number>): void {
    for (const pid of pids) this.#adopted.delete(pid)
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#running.values()].map((child) => child.stop()))
    this.killAll()
  }

  /** At once, for a process that is about to exit. */
  killAll(): void {
    for (const pid of [...this.#running.keys(), ...this.#adopted]) killQuietly(pid)
    this.#adopted.clear()
  }
}

/** Whether it was there to be killed. */
export function killQuietly(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

type Question = { readonly type: string; readonly ended: Promise<unknown>; readonly what: string }

function messageOf<T>(child: ChildProcess, { type, ended, what }: Question): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const listen = (message: unknown) => {
    if (typeof message !== 'object' || message === null || Reflect.get(message, 'type') !== type) return
    child.off('message', listen)
    resolve(message as T)
  }
  child.on('message', listen)
  const fail = (how: unknown) => reject(new Error(`${what} ended (${how}) before it said "${type}"`))
  ended.then(fail, fail)
  return promise
}
