/**
 * Makes a data folder with a history. People and their commands are put on the log, and the tasks of the real topologies make all other
 * records in this process, without a network: so the folder has what the services would have written, in the form that they write today.
 * Only transactions and their markers are missing; the positions changelogs have the offsets at which the inputs continue, as for a group
 * whose offsets have expired.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { topicNames } from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import { type Code, thisCode } from '../harness/machine.ts'
import type { Run } from '../harness/scenario.ts'
import { startApplication } from '../support/application.ts'
import { root } from '../support/services.ts'
import { type History, paymentRecord, userRecord } from './history.ts'
import { openLogWriter } from './log-writer.ts'
import { openTasks } from './tasks.ts'

export type Grown = History & {
  readonly code: Code
  readonly seconds: number
}

type Tools = Pick<Run, 'scratch' | 'children' | 'print'>

/** Commands that are processed together: a larger number makes larger batches, and fewer versions of a balance. */
const recordsAtOnce = 2_000

/** The folder with `data` in it; grown now, unless it exists and `fresh` is not set. */
export async function grownFolder(history: History, tools: Tools, { fresh = false } = {}): Promise<string> {
  const { payments, people, merchantPercent, hours } = history
  const name = [
    `${payments}-payments-${people}-people`,
    ...(merchantPercent === 0 ? [] : [`${merchantPercent}-percent-to-one`]),
    ...(hours === 1 ? [] : [`${hours}-hours`]),
  ].join('-')
  const folder = join(tools.scratch, 'grown', name)
  if (!fresh && existsSync(join(folder, 'grown.json'))) {
    const grown = JSON.parse(readFileSync(join(folder, 'grown.json'), 'utf8')) as Grown
    const { commit } = thisCode(root)
    if (grown.code.commit !== commit || grown.code.changed) {
      tools.print(`${name} was grown by ${grown.code.commit}; --fresh grows it again`)
    }
    return folder
  }
  const making = `${folder}.making`
  rmSync(making, { recursive: true, force: true })
  mkdirSync(join(making, 'data'), { recursive: true })
  const startedAt = performance.now()
  await setUpOnce(join(making, 'data'), tools)
  await writeHistory(history, join(making, 'data/broker'), tools)
  const grown: Grown = { ...history, code: thisCode(root), seconds: Math.round((performance.now() - startedAt) / 1000) }
  writeFileSync(join(making, 'grown.json'), `${JSON.stringify(grown, null, 1)}\n`)
  rmSync(folder, { recursive: true, force: true })
  renameSync(making, folder)
  tools.print(`${name} is grown, in ${grown.seconds} s`)
  return folder
}

/** A copy to work on, which the caller removes. The services' local state is left out, since a copy of it is not used. */
export function copyOf(folder: string, run: Pick<Run, 'scratch'>): string {
  return copyOfData(join(folder, 'data'), run)
}

/** The same of a data folder. */
export function copyOfData(data: string, { scratch }: Pick<Run, 'scratch'>): string {
  const copy = join(scratch, 'work', `${process.pid}-${copies++}`)
  rmSync(copy, { recursive: true, force: true })
  const filter = (path: string) => path !== join(data, 'state')
  cpSync(data, copy, { recursive: true, preserveTimestamps: true, filter })
  return copy
}

let copies = 0

async function writeHistory(history: History, folder: string, { print }: Tools): Promise<void> {
  const { payments, people, hours } = history
  if (people < 2) throw new Error('a payment needs two people')
  const startTime = Date.now() - hours * 3_600_000
  const log = await openLogWriter(folder, startTime)
  const state = `${folder}.state`
  const tasks = await openTasks(state)
  const total = people + payments
  let paid = 0
  let toldAt = performance.now()
  const count = ({ topic, value }: ReceivedRecord) => {
    if (topic === topicNames.activities && value !== null) paid += 1
  }
  for (let from = 0; from < total; from += recordsAtOnce) {
    await log.moveTo(startTime + Math.floor((hours * 3_600_000 * from) / total))
    for (let n = from; n < Math.min(from + recordsAtOnce, total); n++) {
      tasks.deliver(log.append(n < people ? userRecord(n) : paymentRecord(n - people, history)))
    }
    tasks.settle((record) => {
      const received = log.append(record)
      count(received)
      return received
    })
    if (performance.now() - toldAt < 10_000) continue
    print(`${paid} of ${payments} payments are written`)
    toldAt = performance.now()
  }
  await log.close()
  await tasks.close()
  rmSync(state, { recursive: true, force: true })
  if (paid !== payments) throw new Error(`${paid} payments were carried out, but ${payments} were ordered`)
}

/** Certificates and the issuer's keys, which a first start makes; its log and local state are not needed. */
async function setUpOnce(data: string, { children }: Tools): Promise<void> {
  const application = await startApplication({ children, data })
  await application.stop()
  for (const name of ['broker', 'state']) rmSync(join(data, name), { recursive: true, force: true })
  mkdirSync(join(data, 'broker'))
}
