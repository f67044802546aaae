import type { Books, ControlState, Fault } from '@streampay/domain/control'
import { beforeEach, describe, expect, test } from 'vitest'
import { Control } from '../src/control/control.ts'
import type { Supervisor, SupervisorStatus } from '../src/supervisor.ts'

type Fake = { name: string; status: SupervisorStatus; readonly done: (string | object)[] }

const running = { state: 'running', isPaused: false, pid: 7, startedAt: 0, restarts: 0 } as const
const quiet: Books = {
  since: 0,
  checkedAt: 0,
  tookMs: 1,
  isCaughtUp: true,
  transfers: 0,
  requests: 0,
  open: 0,
  waiting: 0,
  lost: 0,
  doubled: 0,
  violations: { 'INV-1': 0, 'INV-2': 0, 'INV-3': 0, 'INV-4': 0, 'INV-5': 0, 'INV-7': 0 },
  findings: [],
}

let nowMs = 0
let timers: { at: number; call: () => void }[] = []
let books: string[] = []
let services: Fake[] = []
let control: Control

function supervisorOf(name: string): Fake {
  const fake: Fake = { name, status: running, done: [] }
  const can = (what: string, isPaused: boolean) => () => {
    if (fake.status.state !== 'running' || fake.status.isPaused === isPaused) return false
    fake.status = { ...fake.status, isPaused }
    fake.done.push(what)
    return true
  }
  return Object.assign(fake, {
    kill: () => fake.done.push('kill'),
    pause: can('pause', true),
    resume: can('resume', false),
    restart: () => fake.done.push('restart') > 0,
    send: (message: object) => fake.done.push(message),
  })
}

function pass(ms: number): void {
  nowMs += ms
  for (const timer of timers.filter(({ at }) => at <= nowMs)) {
    timers = timers.filter((other) => other !== timer)
    timer.call()
  }
}

const named = (name: string) => services.find((one) => one.name === name) as Fake
const vitals = (figures: Record<string, number> = {}, tookMs: number[] = []) => ({
  type: 'vitals',
  vitals: { rssBytes: 1, heapBytes: 1, cpuMs: 1, doing: { what: 'works' }, figures, tookMs },
})
const lastFault = (): Fault | undefined => control.state().faults[0]
const tile = (state: ControlState, name: string) => state.services.find((service) => service.name === name)

beforeEach(() => {
  nowMs = 1_000_000
  timers = []
  books = []
  services = ['broker', 'identity', 'payments', 'payments-1', 'gateway', 'simulation'].map(supervisorOf)
  control = new Control({
    supervisors: () => services as unknown as Supervisor[],
    books: { start: () => books.push('start'), stop: () => books.push('stop') },
    speed: 2,
    clock: {
      elapsed: () => nowMs,
      now: () => nowMs,
      after: (ms, call) => {
        const timer = { at: nowMs + ms, call }
        timers.push(timer)
        return () => {
          timers = timers.filter((other) => other !== timer)
        }
      },
    },
  })
})

describe('the services', () => {
  test('have a tile each, except the issuer', () => {
    control.onTold('payments', vitals({ lag: 3 }))
    pass(400)
    const state = control.state()
    expect(state.services.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'broker log',
      'payments payments',
      'payments-1 payments',
      'gateway gateway',
      'simulation simulation',
    ])
    expect(tile(state, 'payments')).toMatchObject({
      state: 'running',
      pid: 7,
      vitalsAgeMs: 400,
      vitals: { figures: { lag: 3 } },
    })
    expect(tile(state, 'gateway')?.vitals).toBeUndefined()
    expect(tile(state, 'payments')?.vitals).not.toHaveProperty('tookMs')
  })

  test('that are unknown, or the issuer, can’t be touched', () => {
    for (const name of ['identity', 'nobody']) {
      expect(control.act(name, 'kill')).toEqual({ refused: `There is no service "${name}".` })
    }
    expect(named('identity').done).toEqual([])
  })

  test('that do not run can’t be killed, paused or resumed, and the answer says so', () => {
    named('payments').status = { ...running, state: 'waiting', pid: undefined }
    expect(control.act('payments', 'kill')).toEqual({ refused: 'payments is not running.' })
    expect(control.act('payments', 'pause')).toEqual({ refused: 'payments is not running.' })
    expect(control.act('gateway', 'resume')).toEqual({ refused: 'gateway is not paused.' })
    expect(control.state().faults).toEqual([])
  })
})

describe('a fault', () => {
  test('tells when it was noticed, when the service was back, and what waited meanwhile', () => {
    control.act('payments', 'kill')
    expect(named('payments').done).toEqual(['kill'])
    pass(12)
    control.onEnded('payments')
    pass(300)
    control.onBooks({ ...quiet, waiting: 9 })
    pass(700)
    control.onReady('payments')
    control.onBooks({ ...quiet, waiting: 0 })
    expect(lastFault()).toMatchObject({
      service: 'payments',
      what: 'kill',
      at: 1_000_000,
      noticedAfterMs: 12,
      backAfterMs: 1_012,
      waited: 9,
      lost: 0,
      doubled: 0,
    })
  })

  test('has the losses and duplicates since it, not those before it', () => {
    control.onBooks({ ...quiet, lost: 2, doubled: 1 })
    control.act('gateway', 'kill')
    control.onEnded('gateway')
    control.onBooks({ ...quiet, lost: 5, doubled: 2 })
    expect(lastFault()).toMatchObject({ lost: 3, doubled: 1 })
  })

  test('counts findings until a while after the service is back', () => {
    control.act('gateway', 'kill')
    control.onReady('gateway')
    pass(5_001)
    control.onBooks({ ...quiet, waiting: 50, lost: 1 })
    expect(lastFault()).toMatchObject({ waited: 0, lost: 0 })
  })

  test('of one service is not one of another', () => {
    control.act('payments', 'kill')
    control.act('payments-1', 'kill')
    control.onReady('payments-1')
    const [second, first] = control.state().faults
    expect([first?.backAfterMs, second?.backAfterMs]).toEqual([undefined, 0])
  })

  test('is kept, up to twenty of them', () => {
    for (let n = 0; n < 25; n += 1) control.act('gateway', 'kill')
    expect(control.state().faults).toHaveLength(20)
    expect(lastFault()?.id).toBe(25)
  })
})

describe('a pause', () => {
  test('is noticed by missing messages, and ends by itself', () => {
    control.onTold('payments', vitals())
    control.act('payments', 'pause')
    expect(tile(control.state(), 'payments')).toMatchObject({ state: 'paused', resumesAt: nowMs + 15_000 })
    pass(1_501)
    expect(control.state().faults[0]?.noticedAfterMs).toBe(1_501)
    pass(13_500)
    expect(named('payments').done).toEqual(['pause', 'resume'])
    pass(20)
    control.onTold('payments', vitals())
    expect(lastFault()).toMatchObject({ what: 'pause', backAfterMs: 15_021 })
  })

  test('ends at once when it is resumed, and does not end a second time', () => {
    control.act('payments', 'pause')
    pass(2_000)
    expect(control.act('payments', 'resume')).toBe('done')
    pass(20_000)
    expect(named('payments').done).toEqual(['pause', 'resume'])
  })

  // A message of the new process, which comes before it is ready, ended every fault of a service that had been paused before.
  test('that is over does not end a later fault at the first message of the new process', () => {
    control.act('gateway', 'pause')
    control.act('gateway', 'resume')
    control.onTold('gateway', vitals())
    pass(10_000)
    control.act('gateway', 'kill')
    control.onEnded('gateway')
    pass(500)
    control.onTold('gateway', vitals())
    expect(lastFault()?.backAfterMs).toBeUndefined()
    pass(300)
    control.onReady('gateway')
    expect(lastFault()).toMatchObject({ what: 'kill', backAfterMs: 800 })
  })

  test('ends with the process', () => {
    control.act('payments', 'pause')
    control.act('payments', 'kill')
    control.onEnded('payments')
    expect(timers.filter(({ at }) => at <= nowMs + 15_000)).toEqual([])
  })
})

describe('the log', () => {
  test('is cut or slow by its own action, until it reports the end', () => {
    control.disturb('cut')
    expect(named('broker').done).toEqual([{ type: 'disturb', what: 'cut' }])
    pass(80)
    control.onTold('broker', { type: 'undisturbed' })
    expect(lastFault()).toMatchObject({ service: 'broker', what: 'cut', noticedAfterMs: 0, backAfterMs: 80 })
    control.disturb('slow')
    expect(named('broker').done[1]).toEqual({ type: 'disturb', what: 'slow', delayMs: 200, forMs: 10_000 })
  })

  test('from outside can’t be disturbed', () => {
    services = services.filter(({ name }) => name !== 'broker')
    expect(control.disturb('cut')).toEqual({ refused: 'The log is not the embedded one.' })
  })
})

describe('the simulation', () => {
  test('gets its speed at once, and again when it was started again', () => {
    expect(control.setSpeed(40)).toBe('done')
    control.onReady('simulation')
    expect(named('simulation').done).toEqual([
      { type: 'speed', speed: 40 },
      { type: 'speed', speed: 40 },
    ])
    expect(control.state().simulation).toEqual({ speed: 40 })
  })

  test.each([0.09, 101, Number.NaN])('has no speed %d', (speed) => {
    expect(control.setSpeed(speed)).toEqual({ refused: 'The speed must be from 0.1 to 100.' })
    expect(named('simulation').done).toEqual([])
  })
})

describe('answered commands', () => {
  test('are counted second by second, with quantiles', () => {
    control.onTold(
      'gateway',
      vitals(
        { answered: 100 },
        Array.from({ length: 100 }, (_, n) => n + 1),
      ),
    )
    control.onTold('simulation', vitals({ answered: 5 }, [1000]))
    pass(1_000)
    const last = control.state().payments.at(-1)
    expect(last).toEqual({ at: 1_000_000, count: 105, p50Ms: 51, p99Ms: 100 })
    expect(control.state().payments).toHaveLength(60)
    pass(2_000)
    expect(
      control
        .state()
        .payments.slice(-2)
        .map(({ count }) => count),
    ).toEqual([0, 0])
  })
})

describe('the books', () => {
  test('are checked as long as the state is requested', () => {
    control.state()
    pass(20_000)
    control.state()
    expect(books).toEqual(['start'])
    pass(29_999)
    expect(books).toEqual(['start'])
    pass(1)
    expect(books).toEqual(['start', 'stop'])
    control.state()
    expect(books).toEqual(['start', 'stop', 'start'])
  })
})
