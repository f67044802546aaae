/** A payments process of the tests of takeovers, from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Crash, FromProcess } from '../../apps/payments/test/support/crashing-service.ts'

const program = '../../apps/payments/test/support/crashing-service.ts'
const main = fileURLToPath(new URL(program, import.meta.url))

export type PaymentsProcess = {
  /** Its exit code, null after a signal, and what it said on stderr. */
  readonly ended: Promise<{ code: number | null; words: string }>
  /** Everything that it logged so far, a JSON line each. */
  log(): string
  tasks(): Promise<readonly number[]>
  /** Sends itself the signal in its next transaction; resolves with the time of that, in ms since the epoch. */
  crash(how: Crash): Promise<number>
  kill(signal: 'SIGKILL' | 'SIGCONT' | 'SIGTERM' | 'SIGUSR2'): void
}

/** Resolves when it runs its first tasks. @throws Error if it ends before */
export async function startPayments(env: Readonly<Record<string, string>>): Promise<PaymentsProcess> {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const texts = { out: '', words: '' }
  child.stdout?.on('data', (chunk: Buffer) => {
    texts.out += chunk.toString('utf8')
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    texts.words += chunk.toString('utf8')
  })
  const ended = once(child, 'exit').then(([code]) => ({ code: code as number | null, words: texts.words }))
  const early = ended.then(({ words }) => Promise.reject(new Error(`the process ended: ${words}`)))
  early.catch(() => undefined)
  await Promise.race([next(child, 'ready'), early])
  return {
    ended,
    log: () => texts.out,
    async tasks() {
      const state = next(child, 'state')
      child.send('state')
      return (await Promise.race([state, early])).tasks
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
