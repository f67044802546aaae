import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Demo } from './demo.ts'

/** The result of the whole audit on the log of an application; the test fails if the audit finds anything. */
export async function auditOf({ app }: Demo): Promise<string> {
  const main = fileURLToPath(new URL('../../../apps/audit/src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, '--brokers', app.brokers.join(',')])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code, output).toBe(0)
  return output
}
