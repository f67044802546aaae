import { expect, test } from 'vitest'
import type { Ending, ServiceProcess } from '../src/service-process.ts'
import { backOffMs, Supervisor } from '../src/supervisor.ts'

const service = { name: 'some', stage: 1, main: 'some.ts', env: {}, nodeFlags: [] }
const crash: Ending = { code: 1, signal: null, lastWords: 'no' }

/** A supervisor over processes that a test starts and ends, on the test's clock. */
function setUp() {
  let now = 0
  const processes: { ready(): void; end(ending: Ending): void; stops: number }[] = []
  const events: string[] = []
  const waiters: { count: number; resolve(): void }[] = []
  const tell = (event: string) => {
    events.push(event)
    for (const waiter of waiters) if (events.length >= waiter.count) waiter.resolve()
  }
  const supervisor = new Supervisor({
    service,
    start: () => {
      const ready = Promise.withResolvers<string>()
      const ended = Promise.withResolvers<Ending>()
      const control = { ready: () => ready.resolve('detail'), end: ended.resolve, stops: 0 }
      processes.push(control)
      tell(`start ${processes.length}`)
      const process: ServiceProcess = {
        pid: processes.length,
        ready: ready.promise,
        ended: ended.promise,
        stop: () => {
          control.stops += 1
          ended.resolve({ code: 0, signal: null, lastWords: '' })
          return ended.promise
        },
        kill: () => ended.resolve({ code: null, signal: 'SIGKILL', lastWords: '' }),
        pause: () => tell('pause'),
        resume: () => tell('resume'),
        send: () => undefined,
      }
      return process
    },
    events: {
      onReady: ({ pid, isFirst }) => tell(`ready ${pid} ${isFirst}`),
      onRestart: ({ delayMs }) => tell(`restart in ${delayMs}`),
      onFailed: ({ ending }) => tell(`failed: ${ending.lastWords}`),
    },
    clock: {
      elapsed: () => now,
      delay: async (ms) => {
        now += ms
      },
    },
  })
  return {
    supervisor,
    processes,
    events,
    pass: (ms: number) => {
      now += ms
    },
    until: (count: number) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiters.push({ count, resolve })
      if (events.length >= count) resolve()
      return promise
    },
  }
}

test('starts a crashed service again, after a delay that grows', async () => {
  const { supervisor, processes, events, until } = setUp()
  const started = supervisor.start()
  processes[0]?.ready()
  expect(await started).toBe(true)
  processes[0]?.end(crash)
  await until(4)
  processes[1]?.ready()
  await until(5)
  processes[1]?.end(crash)
  await until(7)
  expect(events).toEqual([
    'start 1',
    'ready 1 true',
    'restart in 200',
    'start 2',
    'ready 2 false',
    'restart in 400',
    'start 3',
  ])
  await supervisor.stop()
})

test('a crash after half a minute counts as the first again', async () => {
  const { supervisor, processes, events, until, pass } = setUp()
  const started = supervisor.start()
  processes[0]?.ready()
  await started
  processes[0]?.end(crash)
  await until(4)
  processes[1]?.ready()
  await until(5)
  pass(30_000)
  processes[1]?.end(crash)
  await until(7)
  expect(events[5]).toBe('restart in 200')
  await supervisor.stop()
})

test('does not repeat a first start that failed, and passes the reason on', async () => {
  const { supervisor, processes, events } = setUp()
  const started = supervisor.start()
  processes[0]?.end(crash)
  expect(await started).toBe(false)
  expect(events).toEqual(['start 1', 'failed: no'])
  expect(supervisor.state).toBe('failed')
  await supervisor.stop()
  expect(supervisor.state).toBe('stopped')
})

test('gives up after twenty short runs in a row', async () => {
  const { supervisor, processes, events, until } = setUp()
  const started = supervisor.start()
  processes[0]?.ready()
  await started
  for (let life = 0; life < 20; life += 1) {
    processes[life]?.end(crash)
    await until(2 + 2 * (life + 1))
  }
  processes[20]?.end(crash)
  await until(43)
  expect(events.at(-1)).toBe('failed: no')
  expect(processes).toHaveLength(21)
})

test('does not give up a service that cannot reach its log, however often it tries', async () => {
  const { supervisor, processes, events, until } = setUp()
  const started = supervisor.start()
  processes[0]?.ready()
  await started
  for (let life = 0; life < 50; life += 1) {
    processes[life]?.end({ code: 75, signal: null, lastWords: 'no log' })
    await until(2 + 2 * (life + 1))
  }
  expect(events.at(-1)).toBe('start 51')
  expect(events).not.toContain('failed: no log')
  await supervisor.stop()
})

test('stopping ends the process and starts no other', async () => {
  const { supervisor, processes, events } = setUp()
  const started = supervisor.start()
  processes[0]?.ready()
  await started
  await Promise.all([supervisor.stop(), supervisor.stop()])
  expect(processes).toHaveLength(1)
  expect(processes[0]?.stops).toBe(1)
  expect(events).toEqual(['start 1', 'ready 1 true'])
})

test('stopping during the first start is no failure', async () => {
  const { supervisor, events } = setUp()
  const started = supervisor.start()
  await supervisor.stop()
  expect(await started).toBe(false)
  expect(events).toEqual(['start 1'])
})

test('does not give up a service that is killed by order, however often', async () => {
  const { supervisor, processes, events, until } = setUp()
  const started = supervisor.start()
  processes[0]?.ready()
  await started
  for (let life = 0; life < 30; life += 1) {
    supervisor.kill()
    await until(2 + 2 * (life + 1))
  }
  expect(events.at(-1)).toBe('start 31')
  expect(events.filter((event) => event === 'restart in 200')).toHaveLength(30)
  await supervisor.stop()
})

test('a service that is asked to end is started again at once, and that is no short run', async () => {
  const { supervisor, processes, events, until } = setUp()
  const started = supervisor.start()
  processes[0]?.ready()
  await started
  for (let life = 0; life < 30; life += 1) {
    expect(supervisor.restart()).toBe(true)
    await until(2 + 3 * (life + 1) - 1)
    expect(supervisor.restart()).toBe(false)
    processes[life + 1]?.ready()
    await until(2 + 3 * (life + 1))
  }
  expect(events.slice(2, 5)).toEqual(['restart in 0', 'start 2', 'ready 2 false'])
  expect(supervisor.status).toMatchObject({ state: 'running', restarts: 30, pid: 31 })
  await supervisor.stop()
})

test('pauses and resumes, and is not paused any more after it ended', async () => {
  const { supervisor, processes, events, until } = setUp()
  expect(supervisor.pause()).toBe(false)
  const started = supervisor.start()
  processes[0]?.ready()
  await started
  expect([supervisor.resume(), supervisor.pause(), supervisor.pause()]).toEqual([false, true, false])
  expect(supervisor.status.isPaused).toBe(true)
  expect(supervisor.resume()).toBe(true)
  supervisor.pause()
  processes[0]?.end(crash)
  await until(7)
  expect(events.slice(2)).toEqual(['pause', 'resume', 'pause', 'restart in 200', 'start 2'])
  expect(supervisor.status.isPaused).toBe(false)
  await supervisor.stop()
})

test.each([
  [1, 200],
  [2, 400],
  [5, 3200],
  [6, 5000],
  [20, 5000],
])('the delay after short life %i is %i ms', (lives, ms) => {
  expect(backOffMs(lives)).toBe(ms)
})
