/** The actions of `npm run repair`, after the command line is parsed and the log is connected. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topicsFromOutside } from '@streampay/domain'
import {
  type Cluster,
  openAdmin,
  type ReceivedRecord,
  readBetween,
  type UndecodableBatch,
  UndecodableBatchError,
} from '@streampay/kafka'
import { findStops, type Stop } from '@streampay/streams'
import type { Logger } from 'pino'
import { paymentsTopology } from '../payments-topology.ts'
import { statisticsTopology } from '../statistics-topology.ts'
import { readNotes, writeNote } from './notes.ts'
import type { Place, Request } from './options.ts'
import { listed, placeOf, shown } from './print.ts'

/** Exit codes of the process. */
export const codes = { done: 0, stopped: 1, usage: 2, log: 3 } as const
export type Code = (typeof codes)[keyof typeof codes]

export type RepairOptions = {
  readonly cluster: Cluster
  readonly logger: Logger
  readonly nowMs: () => number
  /** Gets each line of the output. */
  readonly print: (text: string) => void
}

const topologies = [paymentsTopology(), statisticsTopology()]

/** @throws KafkaError, StreamsError if the log can't be read or written, or if no single record causes the error */
export async function repair(request: Request, options: RepairOptions): Promise<Code> {
  const { cluster, print } = options
  if (request.action === 'list') {
    const notes = await readNotes(cluster)
    for (const note of notes) print(listed(note))
    if (notes.length === 0) print('nothing is set aside')
    return codes.done
  }
  const stops = await allStops(options)
  if (request.action === 'set-aside') return await setAside(request, stops, options)
  for (const { application, stop } of stops) print(shown(application, stop, await recordAt(cluster, stop)))
  if (stops.length === 0) print('No record stops payments and statistics.')
  return stops.length === 0 ? codes.done : codes.stopped
}

type Found = { readonly application: string; readonly stop: Stop }

async function allStops({ cluster, logger }: RepairOptions): Promise<Found[]> {
  // The state may be larger than memory; the payments service alone may use its own state.
  const scratch = mkdtempSync(join(tmpdir(), 'streampay-repair-'))
  try {
    const found = topologies.map(async (topology) => {
      const state = { folder: join(scratch, topology.applicationId), maxBytes: maxScratchBytes }
      const stops = await findStops(topology, { cluster, logger, state })
      return stops.map((stop) => ({ application: topology.applicationId, stop }))
    })
    return (await Promise.all(found)).flat()
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const maxScratchBytes = 256 * 1024 ** 3

async function setAside(
  { place, reason }: Extract<Request, { action: 'set-aside' }>,
  stops: readonly Found[],
  { cluster, nowMs, print }: RepairOptions,
): Promise<Code> {
  const found = stops.find(({ stop }) => placeOf(stop) === placeOf(place))
  const lastOffset = found?.stop.lastOffset ?? (await brokenBatchAt(cluster, place))?.lastOffset
  if (lastOffset === undefined) {
    const others = stops.map(({ stop }) => placeOf(stop)).join(', ')
    const what = others === '' ? 'No other record stops them.' : `These do: ${others}`
    print(`${placeOf(place)} does not stop payments or statistics, so it is not set aside. ${what}`)
    return codes.stopped
  }
  await writeNote(cluster, { ...place, lastOffset, reason, at: nowMs() })
  const next =
    found === undefined
      ? 'Gateways continue without a restart.'
      : 'Start payments again; npm run repair shows whether another record stops it.'
  print(`${placeOf(place)} is set aside. ${next}`)
  return codes.done
}

/** An undecodable batch that begins there stops views, even of topics that no topology reads. */
async function brokenBatchAt(cluster: Cluster, place: Place): Promise<UndecodableBatch | undefined> {
  const { topic, partition, offset } = place
  if (topicsFromOutside.includes(topic)) return undefined
  const admin = openAdmin(cluster)
  const [description] = await admin.describeTopics([topic])
  if (description?.partitions.some((known) => known.partition === partition) !== true) return undefined
  const [earliest] = await admin.listOffsets([{ topic, partition }], 'earliest')
  const [latest] = await admin.listOffsets([{ topic, partition }], 'latest')
  // From the offset before it: a batch is reported by its first offset, or by the reader's start if that is within it.
  const start = Math.max(earliest?.offset ?? 0, offset - 1)
  const end = Math.min(latest?.offset ?? 0, offset + 1)
  const onUndecodable = (batch: UndecodableBatch) => (batch.baseOffset === offset ? 'stop' : 'skip')
  try {
    for await (const records of readBetween(cluster, [{ topic, partition, start, end }], { onUndecodable }))
      void records
  } catch (error) {
    if (error instanceof UndecodableBatchError) return error.batch
    throw error
  }
  return undefined
}

async function recordAt(cluster: Cluster, { topic, partition, offset }: Stop): Promise<ReceivedRecord | undefined> {
  const range = { topic, partition, start: offset, end: offset + 1 }
  for await (const records of readBetween(cluster, [range], { onUndecodable: 'skip' })) {
    if (records[0] !== undefined) return records[0]
  }
  return undefined
}
