import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Broker } from '../../src/index.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/**
 * The process is killed after the test if it has not ended by then. Its folder must have been made before: what was made first is removed
 * last, and a process that is still ending would write into it.
 */
export function endsWithTest<C extends ChildProcess>(child: C): C {
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  })
  return child
}

/** The part of a broker that is known of another process. */
export type Address = Pick<Broker, 'host' | 'port'>

export type BrokerProcess = {
  readonly child: ChildProcess
  /** Resolves when it has ended and all its output is read. */
  readonly exited: Promise<{ code: number | null; stderr: string }>
  /** The broker's address, once it is ready. */
  readonly ready: Promise<Address>
}

/**
 * Starts the broker as a process of its own, by default on a free port. Killed after the test.
 * @param maxOpenFiles the system's limit for it
 */
export function startProcess(env: Record<string, string>, maxOpenFiles?: number): BrokerProcess {
  const limited = ['-c', `ulimit -n ${maxOpenFiles} && exec "$0" "$@"`, process.execPath, main]
  const [command, args] = maxOpenFiles === undefined ? [process.execPath, [main]] : ['/bin/sh', limited]
  const child = spawn(command, args, {
    env: { ...process.env, BROKER_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  endsWithTest(child)
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdout?.resume()
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr: stderr.trim() }))
  const ready = once(child, 'message').then(([message]) => addressOf(message as { detail: string }))
  return { child, exited, ready }
}

function addressOf({ detail }: { detail: string }): Address {
  const [host = '', port = ''] = detail.split(':')
  return { host, port: Number(port) }
}
