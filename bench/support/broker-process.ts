/** The embedded broker in a process of its own, on a free port. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/broker/src/main.ts', import.meta.url))

export type BrokerProcess = { readonly address: string; stop(): Promise<void> }

/** @param parent where its data folder is made; it is removed in the end */
export async function startBrokerProcess(parent: string = tmpdir()): Promise<BrokerProcess> {
  const dataDir = mkdtempSync(join(parent, 'streampay-bench-'))
  const port = await freePort()
  const child = spawn(process.execPath, ['--max-semi-space-size=4', main], {
    env: { ...process.env, BROKER_DATA_DIR: dataDir, BROKER_PORT: String(port), LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  await Promise.race([once(child, 'message'), exited.then(() => Promise.reject(new Error('the broker ended')))])
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM')
      await exited
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  return address.port
}
