import { describe, expect, it } from 'vitest'
import { type Admission, type AdmissionOptions, openAdmission } from '../src/commands/admission.ts'
import type { WaitingCommand } from '../src/commands/concurrency-limit.ts'
import { ProblemError } from '../src/shared/problem.ts'

function openWorld(options: Partial<AdmissionOptions> = {}) {
  const world = { now: 0, refusals: [] as string[] }
  const admission = openAdmission({
    ofOne: 64,
    ofAll: 10_000,
    least: 8,
    first: 100,
    targetMs: 500,
    silenceMs: 1_500,
    clock: { elapsed: () => world.now },
    // The first letter of an identity is its partition.
    partitionOf: (identity) => identity.charCodeAt(0),
    onRefused: (reason) => world.refusals.push(reason),
    ...options,
  })
  return { world, admission }
}

type Refusal = { readonly status: number; readonly retryAfter: number }

function tryToEnter(admission: Admission, identity: string): WaitingCommand | Refusal {
  try {
    return admission.enter(identity)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { status: error.status, retryAfter: Number(error.headers['retry-after']) }
  }
}

function mustBeRefused(admission: Admission, identity: string): Refusal {
  const result = tryToEnter(admission, identity)
  if ('status' in result) return result
  throw new Error(`${identity} was let in`)
}

/** How many of so many get in. */
function entered(admission: Admission, identity: string, count: number): WaitingCommand[] {
  return Array.from({ length: count }, () => tryToEnter(admission, identity)).filter((result) => 'left' in result)
}

describe('of one identity', () => {
  it('are let in half as many as there is room for, so that others find some', () => {
    const { world, admission } = openWorld()
    expect(entered(admission, 'ann', 500)).toHaveLength(50)
    expect(mustBeRefused(admission, 'ann')).toEqual({ status: 429, retryAfter: 1 })
    expect(entered(admission, 'abe', 500)).toHaveLength(25)
    expect(entered(admission, 'ada', 500)).toHaveLength(13)
    expect(entered(admission, 'a newcomer', 1)).toHaveLength(1)
    expect(new Set(world.refusals)).toEqual(new Set(['identity']))
  })

  it('are never let in more than the bound, however much room there is', () => {
    const { admission } = openWorld({ first: 10_000 })
    expect(entered(admission, 'ann', 500)).toHaveLength(64)
  })

  it('are let in again when earlier ones have ended, either way and once each', () => {
    const { admission } = openWorld()
    const [first, second] = entered(admission, 'ann', 50)
    first?.answered()
    first?.left()
    second?.left()
    second?.left()
    expect(admission.waiting()).toBe(48)
    expect(entered(admission, 'ann', 500)).toHaveLength(2)
  })
})

describe('of all', () => {
  it('are refused with 503 when there is no room, and the next one gets in when there is', () => {
    const { world, admission } = openWorld()
    const people = Array.from({ length: 100 }, (_, n) => `a${n}`)
    const waiting = people.flatMap((identity) => entered(admission, identity, 1))
    expect(waiting).toHaveLength(100)
    expect(mustBeRefused(admission, 'ann').status).toBe(503)
    expect(world.refusals).toEqual(['overload'])
    waiting[0]?.left()
    expect(entered(admission, 'ann', 1)).toHaveLength(1)
  })

  it('are refused at the bound of memory, although their partition has room', () => {
    const { admission } = openWorld({ ofAll: 3 })
    for (const identity of ['ann', 'bob', 'cid']) expect(entered(admission, identity, 1)).toHaveLength(1)
    expect(mustBeRefused(admission, 'dot').status).toBe(503)
    expect(admission.waiting()).toBe(3)
  })

  it('get Retry-After times one after another, at the rate at which there will be room', () => {
    const { admission } = openWorld()
    for (let n = 0; n < 100; n++) entered(admission, `a${n}`, 1)
    // As far as is known, 100 are answered in half a second; then comes the turn of those that are sent away.
    const told = Array.from({ length: 1_000 }, (_, n) => mustBeRefused(admission, `a late ${n}`).retryAfter)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    const bySecond = Map.groupBy(told, (seconds) => seconds)
    expect([...bySecond.keys()]).toEqual([1, 2, 3, 4, 5, 6])
    expect(bySecond.get(3)).toHaveLength(200)
  })

  it('get the same turn when they come before it, so that early repeats delay no other client', () => {
    const { world, admission } = openWorld({ silenceMs: 60_000 })
    for (let n = 0; n < 100; n++) entered(admission, `a${n}`, 1)
    for (let n = 0; n < 1_000; n++) mustBeRefused(admission, `a late ${n}`)
    for (let times = 0; times < 1_000; times++) expect(mustBeRefused(admission, 'a late 999').retryAfter).toBe(6)
    world.now += 4_000
    expect(mustBeRefused(admission, 'a late 999').retryAfter).toBe(2)
    expect(mustBeRefused(admission, 'a patient one').retryAfter).toBe(2)
  })

  it('are never sent away for longer than ten seconds', () => {
    const { admission } = openWorld({ first: 8 })
    for (let n = 0; n < 8; n++) entered(admission, `a${n}`, 1)
    const told = Array.from({ length: 5_000 }, (_, n) => mustBeRefused(admission, `a late ${n}`).retryAfter)
    expect(Math.max(...told)).toBe(10)
  })
})

describe('a partition for which no service answers', () => {
  it('lets in a few, refuses the others with 503, and leaves the other partitions alone', () => {
    const { world, admission } = openWorld()
    const waiting = ['ann', 'abe', 'ada'].flatMap((identity) => entered(admission, identity, 10))
    world.now += 3_000
    expect(mustBeRefused(admission, 'amy')).toEqual({ status: 503, retryAfter: 2 })
    expect(world.refusals).toEqual(['silence'])
    expect(entered(admission, 'bob', 500)).toHaveLength(50)
    expect(admission.limits()).toEqual(
      new Map([
        [97, 8],
        [98, 100],
      ]),
    )
    for (const one of waiting) one.left()
    expect(['ann', 'abe', 'ada', 'amy'].flatMap((identity) => entered(admission, identity, 10))).toHaveLength(8)
  })
})

it('a command without an answering service takes no place, but is refused like the others when there is none', () => {
  const { admission } = openWorld({ first: 8 })
  for (let n = 0; n < 100; n++) admission.pass('ann')
  expect(admission.waiting()).toBe(0)
  for (let n = 0; n < 8; n++) entered(admission, `a${n}`, 1)
  expect(() => admission.pass('ann')).toThrow('more commands wait than can be answered soon')
})

it('is idle when the last command has ended, or after the time', async () => {
  const { admission } = openWorld()
  await admission.idle(10_000)
  const [one] = entered(admission, 'ann', 1)
  await admission.idle(1)
  const idle = admission.idle(10_000)
  one?.answered()
  await idle
})
