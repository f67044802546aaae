import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { linesTo } from '../src/logger.ts'

const program = fileURLToPath(new URL('support/chatty.ts', import.meta.url))

/** The output of a process and how it ends; `killed` means that it did not end in time. */
function start(env: Record<string, string>, stdio: SpawnOptions['stdio']) {
  const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH ?? '', ...env }, stdio })
  const deadline = setTimeout(() => child.kill('SIGKILL'), 15_000)
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    clearTimeout(deadline)
    return signal === 'SIGKILL' ? 'killed' : code
  })
  return { child, ended }
}

/** As `program | true` leaves it: the other end of standard output is gone. */
function leaveWithoutReader({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy()
  stderr?.destroy()
}

test('a process whose reader is gone ends at once, with many lines queued in the tick of its exit', async () => {
  // pino's own destination repeated the write in a loop without end, with the main thread blocked.
  const { child, ended } = start({ LINES: '2000' }, ['ignore', 'pipe', 'pipe'])
  leaveWithoutReader(child)
  expect(await ended).toBe(3)
})

test('a process whose reader is gone continues, and handles SIGTERM', async () => {
  const { child, ended } = start({ LINES: '10', STAY: 'yes' }, ['ignore', 'pipe', 'pipe', 'ipc'])
  leaveWithoutReader(child)
  await once(child, 'message')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('a process whose output is not read any more keeps a bounded part of it, continues, and ends', async () => {
  const { child, ended } = start({ LINES: '20000', STAY: 'yes' }, ['ignore', 'pipe', 'pipe', 'ipc'])
  child.stdout?.pause()
  await once(child, 'message')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test.runIf(existsSync('/dev/full'))('a process on a full disk continues, and ends by its own code', async () => {
  const full = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(full))
  const stdio = ['ignore', full, full] as const
  expect(await start({ LINES: '2000' }, [...stdio]).ended).toBe(3)
  const { child, ended } = start({ LINES: '2', STAY: 'yes' }, [...stdio, 'ipc'])
  await once(child, 'message')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('a process whose parent ended before it listened for that is still notified', async () => {
  const { child, ended } = start({ STAY: 'yes', LATE: 'yes' }, ['ignore', 'ignore', 'ignore', 'ipc'])
  child.disconnect()
  expect(await ended).toBe(4)
})

test('lines beyond the bound are dropped, and their number is told once there is room again', async () => {
  const output = new PassThrough({ highWaterMark: 1 })
  const lines = linesTo(output, 100)
  for (let line = 0; line < 30; line++) lines.write(`line ${line} of 20 chars\n`.padStart(20))
  expect(output.writableLength).toBeLessThanOrEqual(120)
  const told: string[] = []
  output.on('data', (chunk: Buffer) => told.push(chunk.toString()))
  await once(output, 'drain')
  lines.write('and on it goes\n')
  await new Promise((resolve) => setImmediate(resolve))
  const dropped = told.flatMap((text) => /"lines":(\d+)/.exec(text)?.[1] ?? [])
  expect(dropped).toHaveLength(1)
  expect(told.filter((text) => text.includes('of 20 chars')).length + Number(dropped[0])).toBe(30)
})

test('a process whose LOG_LEVEL is unknown ends with a sentence, not with the stack of pino', async () => {
  const { child, ended } = start({ LOG_LEVEL: 'loud' }, ['ignore', 'pipe', 'pipe'])
  const [stdout, stderr] = [text(child.stdout!), text(child.stderr!)]
  expect([await ended, await stdout, await stderr]).toEqual([
    1,
    '',
    'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud".\n',
  ])
})
