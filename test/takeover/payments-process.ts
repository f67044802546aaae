/** A payments process for the tests of takeovers, seen from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Crash, FromProcess, State } from '../../apps/payments/test/support/crashing-service.ts'
import { bareEnv } from '../support/bare-env.ts'

const program = '../../apps/payments/test/support/crashing-service.ts'
const main = fileURLToPath(new URL(program, import.meta.url))

export type PaymentsProcess = {
  /** Its exit code, null after a signal, and what it said on stderr. */
  readonly ended: Promise<{ code: number | null; words: string }>
  /** Resolves when its log has this text from now on, in any line; never, if it ends before. */
  says(message: string): Promise<void>
  /** The tasks that it runs and those for which it is a standby. */
  state(): Promise<State>
  /** Sends itself the signal in its next transaction; resolves with the time of that, in ms since the epoch. */
  crash(how: Crash): Promise<number>
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
}

/** Resolves when it runs its first tasks. @throws Error if it ends before */
export async function startPayments(env: Readonly<Record<string, string>>): Promise<PaymentsProcess> {
  const child = spawn(process.execPath, [main], {
    env: { ...bareEnv, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let words = ''
  child.stdout?.resume()
  child.stderr?.on('data', (chunk: Buffer) => {
    words += chunk.toString('utf8')
  })
  const ended = once(child, 'exit').then(([code]) => ({ code: code as number | null, words }))
  const early = ended.then((end) => Promise.reject(new Error(`the process ended: ${end.words}`)))
  early.catch(() => undefined)
  await Promise.race([next(child, 'ready'), early])
  return {
    ended,
    says(message) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const listen = (chunk: Buffer) => {
        if (!chunk.includes(`"msg":"${message}"`)) return
        child.stdout?.off('data', listen)
        resolve()
      }
      child.stdout?.on('data', listen)
      return promise
    },
    async state() {
      const state = next(child, 'state')
      if (child.connected) child.send('state')
      return await Promise.race([state, early])
    },
    async crash(how) {
      const signalled = next(child, 'signalled')
      child.send(how)
      return (await Promise.race([signalled, early])).at
    },
    kill: (signal) => void child.kill(signal),
  }
}

function next<T extends FromProcess['type']>(child: ChildProcess, type: T): Promise<Extract<FromProcess, { type: T }>> {
  const { promise, resolve } = Promise.withResolvers<Extract<FromProcess, { type: T }>>()
  const listen = (message: FromProcess) => {
    if (message.type !== type) return
    child.off('message', listen)
    resolve(message as Extract<FromProcess, { type: T }>)
  }
  child.on('message', listen)
  return promise
}
