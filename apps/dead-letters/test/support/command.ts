/** `npm run dead-letters`, within the process of the test or as a process of its own. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { deadLetters as command } from '../../src/command.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Run = { readonly code: number | null; readonly output: string }

/** What the command does; its start as a process is most of what it costs. */
export async function deadLetters(port: number, ...args: string[]): Promise<Run> {
  let output = ''
  const both = { write: (text: string) => (output += text) }
  const code = await command([...args, '--brokers', `127.0.0.1:${port}`], {
    env: process.env,
    stdout: both,
    stderr: both,
    nowMs: Date.now,
  })
  return { code, output }
}

export function deadLettersProcess(port: number, ...args: string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args, '--brokers', `127.0.0.1:${port}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}
