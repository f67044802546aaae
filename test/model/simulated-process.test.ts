/** A process as the scheduler sees it. */
import { expect, it } from 'vitest'
import { allDuties, Cluster } from './cluster.ts'
import { ArmedFaults } from './faults.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedProcess } from './simulated-process.ts'

const wire = { app: 'payments', point: 'heartbeat' } as const

function lonelyProcess(): SimulatedProcess {
  const random = new Random(1, 'schedule')
  const scheduler = new Scheduler({ random, paceMs: 1, speeds: [1] })
  const logs = { topics: [], compacted: new Set<string>(), logAppendTime: new Set<string>(), partitionCount: 1 }
  const cluster = new Cluster({ scheduler, random, ...logs, duties: allDuties })
  return new SimulatedProcess({
    cluster,
    faults: new ArmedFaults(),
    slot: 0,
    name: 'process 0',
    onEnd: () => undefined,
  })
}

/** Calls until the process is over, at most this many times. */
function callOften(process: SimulatedProcess, times: number): void {
  for (let i = 0; i < times && !process.over; i++) process.call(wire, () => undefined).catch(() => undefined)
}

// A member that was closed asked again and again without a wait: the model used up its memory and did not tell from which seed.
it('ends a process that calls again and again without a wait, and tells of it', () => {
  const process = lonelyProcess()
  callOften(process, 1_000)
  expect(process.cluster.faults).toEqual([])
  callOften(process, 1)
  expect(process.cluster.faults).toEqual(['payments of process 0 calls heartbeat again and again without a wait'])
  expect(process.over).toBe(true)
})

it('lets a process call any number of times if others have their turn meanwhile', async () => {
  const process = lonelyProcess()
  const { scheduler, faults } = process.cluster
  for (let turn = 0; turn < 3; turn++) {
    callOften(process, 900)
    const { steps } = scheduler
    await scheduler.runUntil(() => scheduler.steps > steps, 10)
  }
  expect(faults).toEqual([])
  expect(process.over).toBe(false)
})
