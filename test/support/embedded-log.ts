/** The embedded broker as a process of the test's own, that it can kill and keep away: `npm start` would start it again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/broker/src/main.ts', import.meta.url))

/** What can be done with a log from outside, be it the embedded one or Apache Kafka. */
export type StoppableLog = {
  readonly brokers: readonly string[]
  /** Ends it with SIGKILL. */
  stop(): Promise<void>
  /** Starts it on the same port and data; resolves when it serves. */
  start(): Promise<void>
  close(): Promise<void>
}

export async function startEmbeddedLog(): Promise<StoppableLog> {
  const dataDir = await mkdtemp(join(tmpdir(), 'streampay-log-'))
  let child: ChildProcess | undefined
  let port = '0'

  async function start(): Promise<void> {
    child = spawn(process.execPath, ['--max-semi-space-size=4', main], {
      env: { ...process.env, BROKER_PORT: port, BROKER_DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the embedded log ended with ${code} before it was ready`)
    })
    // Once it is ready, its end is the test's doing.
    ended.catch(() => undefined)
    const [message] = await Promise.race([once(child, 'message'), ended])
    port = (message as { detail: string }).detail.split(':')[1] ?? '0'
  }

  async function stop(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  await start()
  return {
    brokers: [`127.0.0.1:${port}`],
    stop,
    start,
    close: async () => {
      await stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
