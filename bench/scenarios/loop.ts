import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openCluster } from '@streampay/kafka'
import { startMeter } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Measurement, Run, Sample, Scenario } from '../harness/scenario.ts'
import { percentile } from '../harness/spread.ts'
import { openLoop } from '../support/exactly-once-loop.ts'
import { definitionsFor, somePorts, startService } from '../support/services.ts'

/** The least cost of a payment: the client layer and the log, without decisions. CPU of this process is its own. */
export const loop: Scenario = {
  name: 'loop',
  summary: 'exactly-once commands through the client layer alone, on the embedded broker or another log',
  options: {
    'in-flight': { type: 'string', fallback: '1,64,256', help: 'commands under way, comma-separated' },
    seconds: { type: 'string', fallback: '5', help: 'of each measurement' },
    rounds: { type: 'string', fallback: '3', help: 'of each' },
    brokers: { type: 'string', fallback: '', help: 'host:port of another log instead' },
  },
  plots: [
    { figure: 'perSecond', title: 'Commands per second' },
    { figure: 'p50Ms', title: 'p50 of a command, ms' },
  ],
  maxMinutes: 30,
  async run(run) {
    const data = join(run.scratch, 'work', `loop-${process.pid}`)
    const definitions = definitionsFor(data, await somePorts())
    const others = run.text('brokers')
    const broker = others === '' ? await startService('broker', { children: run.children, definitions }) : undefined
    const brokers = others === '' ? (definitions.get('payments')?.env.KAFKA_BROKERS ?? '') : others
    const pids = { loop: process.pid, ...(broker === undefined ? {} : { broker: broker.pid }) }
    const measurements: Measurement[] = []
    for (const inFlight of run.counts('in-flight')) {
      const subject = loopOf(run, { brokers, inFlight, pids })
      const values = await inTurns([subject], { rounds: run.count('rounds'), warmUps: 1 })
      const samples = values.get(subject.name) ?? []
      measurements.push({ subject: subject.name, case: `${inFlight} in flight`, unit: 'command', samples })
    }
    await broker?.stop()
    rmSync(data, { recursive: true, force: true })
    return { measurements }
  },
}

type Place = { readonly brokers: string; readonly inFlight: number; readonly pids: Readonly<Record<string, number>> }

function loopOf(run: Run, { brokers, inFlight, pids }: Place): Subject<Sample> {
  return {
    name: run.text('brokers') === '' ? 'embedded' : 'other log',
    async run() {
      const cluster = openCluster({ brokers: brokers.split(','), clientId: 'bench' })
      const one = await openLoop(cluster, `bench-${crypto.randomUUID()}`)
      const meter = startMeter(pids)
      const beganAt = performance.now()
      const tookMs = await one.measure({ inFlight, seconds: run.count('seconds') })
      const seconds = (performance.now() - beganAt) / 1000
      const processes = meter.end(tookMs.length)
      await one.close()
      await cluster.close()
      const perSecond = tookMs.length / seconds
      return { figures: { perSecond, p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) }, processes }
    },
  }
}
