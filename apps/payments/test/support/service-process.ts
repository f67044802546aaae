/** The payments service as a process, the way the launcher starts it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { bareEnv } from '../../../../test/support/bare-env.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

type Ended = { readonly code: number | null; readonly signal: string | null; readonly stderr: string }

export type ServiceProcess = {
  readonly child: ChildProcess
  /** The detail of the ready message; rejects if the process ends first. */
  readonly ready: Promise<string>
  readonly ended: Promise<Ended>
}

export function spawnService(env: Record<string, string>): ServiceProcess {
  const child = spawn(process.execPath, [main], {
    env: { ...bareEnv, LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  const saidAll = child.stderr === null ? undefined : once(child.stderr, 'end')
  // Not `close`: Node doesn't emit it after `disconnect()` in the parent.
  const ended = once(child, 'exit').then(async ([code, signal]): Promise<Ended> => {
    await saidAll
    return { code: code as number | null, signal: signal as string | null, stderr }
  })
  const ready = new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { detail: string }).detail))
    ended.then(({ stderr: words }) => reject(new Error(`the service ended before it was ready: ${words}`)), reject)
  })
  ready.catch(() => undefined)
  return { child, ready, ended }
}
