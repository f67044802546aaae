/** Faults of the network between clients and brokers, made by the proxies. */

import type { Direction } from './connection-pair.ts'
import type { FaultKind, Scene } from './fault-kinds.ts'
import type { FaultProxy } from './proxy.ts'

const nothing = Promise.resolve()

export const networkFaults: readonly FaultKind[] = [
  { kind: 'cut', touches: 'network', begin: (scene) => breakConnections(scene, (proxy, some) => proxy.cut(some)) },
  { kind: 'reset', touches: 'network', begin: (scene) => breakConnections(scene, (proxy, some) => proxy.reset(some)) },
  { kind: 'delay', touches: 'network', begin: delay },
  { kind: 'half-open', touches: 'network', begin: halfOpen },
  { kind: 'refuse', touches: 'network', begin: refuse },
]

/** All connections, or a part of them, at one broker or at all. */
async function breakConnections(scene: Scene, act: (proxy: FaultProxy, some: () => boolean) => number) {
  const { random, sleep } = scene
  const share = random.pick([0.2, 0.5, 1])
  const times = 1 + random.below(3)
  for (let time = 0; time < times; time++) {
    for (const proxy of someProxies(scene)) act(proxy, () => random.chance(share))
    if (time < times - 1) await sleep(random.between(50, 700))
  }
  return { healed: nothing }
}

async function delay(scene: Scene) {
  const { random, sleep } = scene
  const proxies = someProxies(scene)
  for (const proxy of proxies) proxy.delay(random.pick([20, 100, 400, 1_500]))
  try {
    await sleep(random.between(1_000, 6_000))
  } finally {
    for (const proxy of proxies) proxy.delay(0)
  }
  return { healed: nothing }
}

/** Swallowed bytes never arrive: these connections are no longer usable, even if neither end is told so. */
async function halfOpen(scene: Scene) {
  const { random, sleep } = scene
  const share = random.pick([0.2, 0.5, 1])
  const directions = random.pick<readonly Direction[]>([['toBroker'], ['toClient'], ['toBroker', 'toClient']])
  const proxies = someProxies(scene)
  for (const proxy of proxies) proxy.swallow(directions, () => random.chance(share))
  await sleep(random.between(500, 6_000))
  if (random.chance(0.5)) for (const proxy of proxies) proxy.resetSwallowing()
  return { healed: nothing }
}

async function refuse(scene: Scene) {
  const { random, sleep } = scene
  const proxies = someProxies(scene)
  const share = random.pick([0, 0.5, 1])
  for (const proxy of proxies) {
    await proxy.refuse()
    proxy.reset(() => random.chance(share))
  }
  try {
    await sleep(random.between(500, 5_000))
  } finally {
    for (const proxy of proxies) await proxy.accept()
  }
  return { healed: nothing }
}

/** The proxies of all brokers, or of one. */
function someProxies({ log, random }: Scene): readonly FaultProxy[] {
  return random.chance(0.5) ? log.proxies : [random.pick(log.proxies)]
}
