/** Processes that keep event streams open and count their events. */
import { join } from 'node:path'
import { personId } from '../grow/history.ts'
import type { Run } from '../harness/scenario.ts'
import type { SseDone, SseExpect, SseJob } from '../load/sse-job.ts'
import { caOf } from './application.ts'
import { root } from './services.ts'
import type { Sockets, SseServer } from './sse-servers.ts'
import { tokensOf } from './tokens.ts'

export type Watching = {
  /** From now on this many events will come on every stream. Resolves when they have. */
  expect(events: number, how: Pick<SseExpect, 'isTimed'>): Promise<Omit<SseDone, 'type'>>
  stop(): Promise<void>
}

export type WatchOptions = {
  readonly data: string
  readonly streams: number
  readonly sockets: Sockets
  /** Streams that share one, if they do. */
  readonly ofConnection: number
  readonly processes: number
}

const path = '/activities?last=0'
/** Well below the bound for one person. */
const streamsOfPerson = 8
const timeoutMs = 120_000

/** Resolves when all streams are open. */
export async function startWatching(
  { children }: Run,
  { origin }: Pick<SseServer, 'origin'>,
  { data, streams, sockets, ofConnection, processes }: WatchOptions,
): Promise<Watching> {
  const tokens = await tokensOf(data, origin)
  const people = await Promise.all(
    Array.from({ length: Math.ceil(streams / streamsOfPerson) }, (_, n) => tokens(personId(n))),
  )
  const ofStreams = Array.from({ length: streams }, (_, n) => people[n % people.length] ?? '')
  const watchers = await Promise.all(
    Array.from({ length: processes }, async (_, index) => {
      const own = ofStreams.filter((_, n) => n % processes === index)
      const job: SseJob = {
        type: 'job',
        origin,
        ca: caOf(data).toString(),
        path,
        tokens: own,
        connections: sockets === 'own' ? 0 : Math.ceil(own.length / ofConnection),
      }
      const child = await children.node([join(root, 'bench/load/sse-main.ts')])
      await child.message('ready')
      const opened = child.message('open')
      child.process.send(job)
      await opened
      return child
    }),
  )
  return {
    async expect(events, how) {
      const expect: SseExpect = { type: 'expect', events, timeoutMs, ...how }
      const done = await Promise.all(
        watchers.map((child) => {
          const told = child.message<SseDone>('done')
          child.process.send(expect)
          return told
        }),
      )
      return {
        at: Math.max(...done.map(({ at }) => at)),
        tookMs: done.flatMap(({ tookMs }) => tookMs),
        bytes: done.reduce((sum, { bytes }) => sum + bytes, 0),
      }
    },
    stop: async () => void (await Promise.all(watchers.map((child) => child.stop()))),
  }
}
