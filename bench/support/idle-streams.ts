/** How much of a server's memory an idle stream takes. */
import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { startMeter } from '../harness/meter.ts'
import { type Memory, memoryOf } from '../harness/proc.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Measurement, Run, Sample } from '../harness/scenario.ts'
import { type Sockets, type SseServer, startLimit, startOurs } from './sse-servers.ts'
import { startWatching } from './watching.ts'

/** Compiled code of the first streams is not counted for the others. */
const warmUpStreams = 200
/** V8 and the allocator free the memory of the opening after a while without work. */
const quietMs = 10_000
/** Of one watching process, so that it has file descriptors to spare where a process may have 4,096. */
const mostOfProcess = 2_500
const limitName = 'raw TLS'

export type IdleOptions = {
  readonly streams: number
  readonly sockets: readonly Sockets[]
  readonly ofConnection: number
}

/** Each sample is of a fresh process. @param folder makes one that the application can run in */
export async function idleStreams(run: Run, folder: () => Promise<string>, options: IdleOptions) {
  const limit: Subject<Sample> = {
    name: limitName,
    run: async () => {
      const data = await folder()
      // The application makes the certificate and the keys that tokens are signed with.
      await (await startOurs(run, data)).stop()
      return sampleOf(run, data, { ...options, sockets: 'own', start: () => startLimit(run, data, 'own') })
    },
  }
  const ours = options.sockets.map(
    (sockets): Subject<Sample> => ({
      name: sockets,
      run: async () => {
        const data = await folder()
        return sampleOf(run, data, { ...options, sockets, start: () => startOurs(run, data) })
      },
    }),
  )
  const values = await inTurns([...ours, limit], { rounds: run.count('rounds') })
  const count = options.streams.toLocaleString('en')
  const caseOf = (name: string) =>
    `${count} idle ${name === limitName ? 'sockets' : `streams, ${words[name as Sockets]}`}`
  const measurements = [...values].map(
    ([name, samples]): Measurement => ({
      subject: name === limitName ? limitName : 'streampay',
      case: caseOf(name),
      unit: 'stream',
      samples,
    }),
  )
  const comparisons = options.sockets.flatMap((sockets) =>
    ['streamPssKb', 'streamAnonymousKb'].map((figure) => ({
      figure,
      of: { subject: 'streampay', case: caseOf(sockets) },
      to: { subject: limitName, case: caseOf(limitName) },
    })),
  )
  return { measurements, comparisons }
}

const words: Readonly<Record<Sockets, string>> = { own: 'a connection each', shared: 'on shared connections' }

type SampleOptions = Omit<IdleOptions, 'sockets'> & {
  readonly sockets: Sockets
  readonly start: () => Promise<SseServer>
}

async function sampleOf(
  run: Run,
  data: string,
  { streams, sockets, ofConnection, start }: SampleOptions,
): Promise<Sample> {
  const server = await start()
  const watch = (count: number) =>
    startWatching(run, server, {
      data,
      streams: count,
      sockets,
      ofConnection,
      processes: Math.ceil(count / mostOfProcess),
    })
  await (await watch(warmUpStreams)).stop()
  await delay(quietMs)
  const before = memoryNow(server)
  const meter = startMeter(server.pids)
  const watching = await watch(streams)
  await delay(quietMs)
  const after = memoryNow(server)
  const processes = meter.end(streams)
  await watching.stop()
  await server.stop()
  rmSync(data, { recursive: true, force: true })
  const kilobytes = (name: keyof Memory) => ((after[name] - before[name]) * 1024) / streams
  return { figures: { streamPssKb: kilobytes('pssMb'), streamAnonymousKb: kilobytes('anonymousMb') }, processes }
}

function memoryNow({ name, pid }: SseServer): Memory {
  const memory = memoryOf(pid)
  if (memory === undefined) throw new Error(`${name} (pid ${pid}) has ended, or its memory can't be read here`)
  return memory
}
