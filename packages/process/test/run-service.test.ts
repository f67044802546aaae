import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const program = fileURLToPath(new URL('support/service.ts', import.meta.url))

function start(env: Record<string, string> = {}) {
  const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const
  const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH ?? '', ...env }, stdio: [...stdio] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const told: unknown[] = []
  child.on('message', (message) => told.push(message))
  const [stdout, stderr] = [text(child.stdout!), text(child.stderr!)]
  const ended = once(child, 'exit').then(async ([code]) => ({
    code: code as number | null,
    sentence: (await stderr).trim(),
    isClosed: (await stdout).includes('closed\n'),
  }))
  return { child, told, ended, isTold: () => once(child, 'message') }
}

it('reports to its parent that it is ready, does the rest, and closes when it is asked to', async () => {
  const { child, told, ended } = start()
  await expect.poll(() => told).toEqual([{ type: 'ready', detail: 'here' }, { type: 'after' }])
  child.kill('SIGTERM')
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 0, sentence: '', isClosed: true })
})

it('says in one sentence why it cannot start, and ends by the code of the fault', async () => {
  const { ended, told } = start({ START: 'fails' })
  expect(await ended).toEqual({ code: 75, sentence: 'The service cannot start: no log', isClosed: false })
  expect(told).toEqual([])
})

it('says in one sentence why it has stopped by itself', async () => {
  expect(await start({ DONE: 'fails' }).ended).toEqual({
    code: 1,
    sentence: 'The service stopped: the disk is full',
    isClosed: false,
  })
})

it('ends at once when it is asked to while it starts', async () => {
  const { child, told, isTold, ended } = start({ START: 'takes long' })
  await isTold()
  child.kill('SIGINT')
  expect(await ended).toEqual({ code: 0, sentence: '', isClosed: false })
  expect(told).toEqual([{ type: 'starting' }])
})

it('waits for the end of its start where it must, and then closes without being ready', async () => {
  const { child, told, isTold, ended } = start({ START: 'takes long' })
  await isTold()
  child.kill('SIGUSR2')
  expect(await ended).toEqual({ code: 0, sentence: '', isClosed: true })
  expect(told).toEqual([{ type: 'starting' }])
})

it('is not reported as ready when it says that it is not', async () => {
  const { child, told, isTold, ended } = start({ READY: 'never' })
  await isTold()
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 0, sentence: '', isClosed: true })
  expect(told).toEqual([{ type: 'started' }])
})

it.each([
  ['hangs', 'The service did not stop in time.'],
  ['fails', 'The service did not stop cleanly.'],
])('ends with a sentence when its close %s', async (CLOSE, sentence) => {
  const { child, isTold, ended } = start({ CLOSE })
  await isTold()
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 1, sentence, isClosed: false })
})
