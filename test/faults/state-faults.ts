/**
 * Faults of folders of local state of a payments process or a gateway, while it is down or while it runs. As soon as its owner is ready
 * again, the result is compared with the expected one (state-folder.ts).
 */
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultKind, Scene } from './fault-kinds.ts'
import type { StateFolder } from './fleet.ts'
import type { KeptProcess } from './kept-process.ts'
import {
  copyFolder,
  deleteFolder,
  type Expectation,
  expectedOfCopy,
  isThere,
  swapFolders,
  truncateData,
  writeGarbage,
} from './state-folder.ts'

type Owner = 'payments' | 'gateway'

/** For each folder with a fault, the expected result. */
type Expected = readonly { readonly folder: StateFolder; readonly expected: Expectation }[]

const startTimeoutMs = 90_000
/** The order of a process's log and of its messages to the parent is not defined. */
const tellTimeoutMs = 10_000
const pollEveryMs = 20
/** A copy is older than the folder that it replaces, and a process works for a while without its folder. */
const meanwhileMs = [500, 5_000] as const

export function stateFaults(owner: Owner): FaultKind[] {
  const one = (scene: Scene) => scene.random.pick(ownersOf(scene, owner))
  const each = (act: (folder: string, scene: Scene) => Expectation | Promise<Expectation>) => {
    return async (scene: Scene) => {
      const process = one(scene)
      const folders = await someFolders(scene, process)
      return whileDown(scene, process, () => toEach(folders, (path) => act(path, scene)))
    }
  }
  const begins: Readonly<Record<string, FaultKind['begin']>> = {
    deleted: each((path) => deleteFolder(path)),
    truncated: each((path, { random }) => truncateData(path, random)),
    garbage: each((path, { random }) => writeGarbage(path, random)),
    stale: (scene) => putBackOlder(scene, one(scene)),
    swapped: (scene) => swap(scene, owner),
    'deleted-in-use': (scene) => replaceInUse(scene, one(scene)),
  }
  return Object.entries(begins).map(([name, begin]) => ({ kind: `${owner}-state-${name}`, touches: owner, begin }))
}

function ownersOf({ fleet }: Scene, owner: Owner): readonly KeptProcess[] {
  return owner === 'payments' ? fleet.runningPayments : fleet.gateways
}

/** Takes the process down, causes the fault, and starts it again. */
async function whileDown(scene: Scene, process: KeptProcess, act: () => Promise<Expected>) {
  await takeDown(process, scene)
  return startAndHold(scene, [{ process, expected: await act() }])
}

/** A copy taken earlier, or taken now, while the process runs or after it has ended. */
async function putBackOlder(scene: Scene, process: KeptProcess) {
  const { random, sleep } = scene
  const folders = await someFolders(scene, process)
  const isKnown = folders.every(({ path }) => existsSync(copyOf(path)))
  if (!isKnown || random.chance(0.5)) {
    const isRunning = random.chance(0.3)
    if (!isRunning) await takeDown(process, scene)
    for (const { path } of folders) await copyFolder(path, copyOf(path))
    process.start()
    await process.ready(startTimeoutMs)
    await sleep(random.between(...meanwhileMs))
  }
  return whileDown(scene, process, () => toEach(folders, putBack))
}

/** Swaps the folders of two processes, which have the same topology, or of the two topologies of one. */
async function swap(scene: Scene, owner: Owner) {
  const { fleet, random } = scene
  const process = random.pick(ownersOf(scene, owner))
  const [left, right] = await foldersOf(scene, process)
  if (left !== undefined && right !== undefined && random.chance(0.5)) {
    return whileDown(scene, process, async () => {
      await swapFolders(left.path, right.path)
      return [left, right].map((folder) => ({ folder, expected: foreign }))
    })
  }
  const all = owner === 'payments' ? fleet.payments : fleet.gateways
  const other = random.pick(all.filter((one) => one !== process))
  const down = [process, ...(other.isWanted ? [other] : [])]
  for (const one of down) await foldersOf(scene, one)
  for (const one of down) await takeDown(one, scene)
  const theirs = fleet.stateFolders(other)
  for (const [index, { path }] of fleet.stateFolders(process).entries()) {
    const partner = theirs[index]
    if (partner !== undefined) await swapFolders(path, partner.path)
  }
  const unnoticed = (one: KeptProcess): Expected =>
    fleet.stateFolders(one).map((folder) => ({ folder, expected: { wiped: 'never' } }))
  return startAndHold(
    scene,
    down.map((one) => ({ process: one, expected: unnoticed(one) })),
  )
}

const foreign = { wiped: /^its format is ".*", but ".*" is needed$/ } as const

/** Replaces the folder of a running process until it is taken down: by an older copy, or by nothing. */
async function replaceInUse(scene: Scene, process: KeptProcess) {
  const { fleet, random, sleep } = scene
  const folders = await someFolders(scene, process)
  const before = fleet.stateLog(process).failures.length
  const expected = await toEach(folders, (path) => (random.chance(0.5) ? deleteFolder(path) : putBack(path)))
  await sleep(random.between(...meanwhileMs))
  const [failure] = fleet.stateLog(process).failures.slice(before)
  if (failure !== undefined) throw new Error(`${process.name} failed when its state was deleted in use: ${failure}`)
  return whileDown(scene, process, async () => expected)
}

/** @returns the expected result; nothing if there is no copy */
async function putBack(path: string): Promise<Expectation> {
  if (!existsSync(copyOf(path))) return deleteFolder(path)
  await copyFolder(copyOf(path), path)
  return expectedOfCopy(path)
}

async function toEach(
  folders: readonly StateFolder[],
  act: (path: string) => Expectation | Promise<Expectation>,
): Promise<Expected> {
  const all: { folder: StateFolder; expected: Expectation }[] = []
  for (const folder of folders) all.push({ folder, expected: await act(folder.path) })
  return all
}

/** All of its folders, or one. */
async function someFolders(scene: Scene, process: KeptProcess): Promise<readonly StateFolder[]> {
  const folders = await foldersOf(scene, process)
  return scene.random.chance(0.5) ? folders : [scene.random.pick(folders)]
}

/** As soon as it is ready. @throws Error if there is no state: the fault would have no effect */
async function foldersOf({ fleet }: Scene, process: KeptProcess): Promise<readonly StateFolder[]> {
  await process.ready(startTimeoutMs)
  const folders = fleet.stateFolders(process)
  for (const { path } of folders) if (!isThere(path)) throw new Error(`there is no state in ${path}`)
  return folders
}

/** The process is killed, or closes its state and ends. */
async function takeDown(process: KeptProcess, { random }: Scene): Promise<void> {
  if (random.chance(0.5)) await process.hold()
  else await process.stop()
}

async function startAndHold(
  scene: Scene,
  owners: readonly { readonly process: KeptProcess; readonly expected: Expected }[],
) {
  const { fleet, note } = scene
  const checks = owners.map(({ process, expected }) => {
    const log = fleet.stateLog(process)
    const [wipes, failures] = [log.wipes.length, log.failures.length]
    process.start()
    return async () => {
      await process.ready(startTimeoutMs)
      const since = () => log.wipes.slice(wipes)
      await until(() => unmet(expected, since()).length === 0)
      for (const { application, reason } of since()) note(`${nameOf(process, application)} was wiped: ${reason}`)
      const faults = [...unmet(expected, since()), ...log.failures.slice(failures)]
      if (faults.length > 0) throw new Error(`${process.name}: ${faults.join('; ')}`)
    }
  })
  const all = Promise.all(checks.map((check) => check())).then(() => undefined)
  return { healed: all }
}

/** The folders whose result was not the expected one, in words. */
export function unmet(
  expected: Expected,
  wipes: readonly { readonly application: string | undefined; readonly reason: string }[],
): string[] {
  return expected.flatMap(({ folder: { path, application }, expected: one }) => {
    const reasons = wipes.filter((wipe) => wipe.application === application).map(({ reason }) => reason)
    if (one === undefined) return []
    if (one.wiped === 'never') return reasons.map((reason) => `${path} was wiped, though nothing was wrong: ${reason}`)
    const { wiped } = one
    if (reasons.some((reason) => wiped.test(reason))) return []
    return [`${path} was not wiped by ${wiped}, but ${reasons.length === 0 ? 'believed' : reasons.join(', ')}`]
  })
}

function nameOf({ name }: KeptProcess, application: string | undefined): string {
  return application === undefined ? name : `${name}/${application}`
}

function copyOf(path: string): string {
  return `${path}.copy`
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + tellTimeoutMs
  while (!condition() && performance.now() < deadline) await delay(pollEveryMs)
}
