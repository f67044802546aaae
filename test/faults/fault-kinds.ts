/** The faults that the nemesis can cause: how each begins, when it is over, and how everything is restored. */
import type { SeededRandom } from '../support/seeded-random.ts'
import type { FaultyLog } from './faulty-log.ts'
import { type Fleet, maxPayments } from './fleet.ts'
import type { KeptProcess } from './kept-process.ts'
import { networkFaults } from './network-faults.ts'
import { stateFaults } from './state-faults.ts'

export type Scene = {
  readonly fleet: Fleet
  readonly log: FaultyLog
  readonly random: SeededRandom
  /** Aborted when the run is to end: a fault then ends early. */
  readonly sleep: (ms: number) => Promise<void>
  readonly note: (line: string) => void
}

/** Two faults of the same part never overlap: of three nodes, at most one is down. */
export type Part = 'payments' | 'gateway' | 'simulation' | 'broker' | 'network'

export type FaultKind = {
  readonly kind: string
  readonly touches: Part
  /** Whether it can be done now; by default always. */
  readonly possible?: (scene: Scene) => boolean
  /**
   * Resolves when it is over: after a kill at once, after a pause when the process continues. `healed` resolves when the services that it
   * ended run again.
   */
  readonly begin: (scene: Scene) => Promise<{ readonly healed: Promise<void> }>
}

/**
 * The session of the payments processes' membership. A process that is paused for less keeps its partitions; one that is paused for longer
 * is fenced.
 */
const sessionTimeoutMs = 6_000
const startTimeoutMs = 90_000
/** The next write comes within this time, since there is load, unless another fault delays it. */
const diskTimeoutMs = 30_000
const shortMs = [200, sessionTimeoutMs - 1_500] as const
const longMs = [sessionTimeoutMs + 1_500, sessionTimeoutMs + 8_000] as const
const isEmbedded = ({ log }: Scene) => log.disk !== undefined
const nothing = Promise.resolve()

export const faultKinds: readonly FaultKind[] = [
  kill('payments-kill', 'payments', ({ fleet, random }) => random.pick(fleet.runningPayments)),
  {
    kind: 'payments-loss',
    touches: 'payments',
    possible: ({ fleet }) => fleet.runningPayments.length > 1,
    begin: loseProcess,
  },
  pause('payments-pause', 'payments', shortMs, ({ fleet, random }) => random.pick(fleet.runningPayments)),
  pause('payments-long-pause', 'payments', longMs, ({ fleet, random }) => random.pick(fleet.runningPayments)),
  { kind: 'scale', touches: 'payments', begin: scale },
  kill('gateway-kill', 'gateway', ({ fleet, random }) => random.pick(fleet.gateways)),
  pause('gateway-pause', 'gateway', shortMs, ({ fleet, random }) => random.pick(fleet.gateways)),
  pause('gateway-long-pause', 'gateway', longMs, ({ fleet, random }) => random.pick(fleet.gateways)),
  kill('simulation-kill', 'simulation', ({ fleet }) => fleet.simulation),
  pause('simulation-pause', 'simulation', longMs, ({ fleet }) => fleet.simulation),
  ...stateFaults('payments'),
  ...stateFaults('gateway'),
  { kind: 'broker-kill', touches: 'broker', begin: killBroker },
  { kind: 'broker-pause', touches: 'broker', begin: (scene) => pauseBroker(scene, shortMs) },
  { kind: 'broker-long-pause', touches: 'broker', begin: (scene) => pauseBroker(scene, longMs) },
  { kind: 'full-disk', touches: 'broker', possible: isEmbedded, begin: fillDisk },
  { kind: 'torn-write', touches: 'broker', possible: isEmbedded, begin: tearWrite },
  { kind: 'failing-sync', touches: 'broker', possible: isEmbedded, begin: failSync },
  ...networkFaults,
]

/** Undoes everything that a fault may have left. */
export async function healAll({ fleet, log }: Pick<Scene, 'fleet' | 'log'>): Promise<void> {
  log.disk?.end()
  for (const process of fleet.all) process.resume()
  for (const node of log.proxies.keys()) log.resume(node)
  for (const proxy of log.proxies) {
    proxy.delay(0)
    proxy.resetSwallowing()
    await proxy.accept()
  }
}

function kill(kind: string, touches: Part, choose: (scene: Scene) => KeptProcess): FaultKind {
  return {
    kind,
    touches,
    begin: async (scene) => {
      const process = choose(scene)
      process.kill()
      return { healed: process.ready(startTimeoutMs) }
    },
  }
}

type Range = readonly [low: number, high: number]

function pause(kind: string, touches: Part, range: Range, choose: (scene: Scene) => KeptProcess): FaultKind {
  return {
    kind,
    touches,
    begin: async (scene) => {
      const process = choose(scene)
      process.pause()
      try {
        await scene.sleep(scene.random.between(...range))
      } finally {
        process.resume()
      }
      return { healed: process.ready(startTimeoutMs) }
    },
  }
}

/** A process that is killed and does not come back within its session: the others take its partitions. */
async function loseProcess({ fleet, random, sleep }: Scene) {
  const process = random.pick(fleet.runningPayments)
  const awayMs = random.between(sessionTimeoutMs + 1_000, sessionTimeoutMs + 5_000)
  await process.hold()
  const comeBack = async () => {
    await sleep(awayMs)
    process.start()
    await process.ready(startTimeoutMs)
  }
  return { healed: comeBack() }
}

async function scale({ fleet, random }: Scene) {
  const counts = Array.from({ length: maxPayments }, (_, index) => index + 1)
  await fleet.scale(random.pick(counts.filter((count) => count !== fleet.runningPayments.length)))
  return { healed: nothing }
}

async function killBroker({ log, random, sleep }: Scene) {
  const node = random.below(log.proxies.length)
  await log.kill(node)
  const comeBack = async () => {
    await sleep(random.between(0, 3_000))
    await log.start(node)
    await log.serving(startTimeoutMs)
  }
  return { healed: comeBack() }
}

async function pauseBroker({ log, random, sleep }: Scene, range: Range) {
  const node = random.below(log.proxies.length)
  log.pause(node)
  try {
    await sleep(random.between(...range))
  } finally {
    log.resume(node)
  }
  return { healed: log.serving(startTimeoutMs) }
}

/** Until the order is removed, the broker fails, and fails again at each start. */
async function fillDisk({ log, random, sleep }: Scene) {
  log.disk?.order({ kind: 'full-disk', roomBytes: random.below(20_000) })
  try {
    await log.disk?.met(diskTimeoutMs)
    await sleep(random.between(1_000, 5_000))
  } finally {
    log.disk?.end()
  }
  return { healed: log.serving(startTimeoutMs) }
}

async function tearWrite({ log, random }: Scene) {
  log.disk?.order({ kind: 'torn-write', share: random.fraction() })
  await log.disk?.met(diskTimeoutMs)
  return { healed: log.serving(startTimeoutMs) }
}

async function failSync({ log }: Scene) {
  log.disk?.order({ kind: 'failing-sync' })
  await log.disk?.met(diskTimeoutMs)
  return { healed: log.serving(startTimeoutMs) }
}
