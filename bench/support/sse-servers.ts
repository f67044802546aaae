/** The writers of events: the application, by its log, and the limits to which it is compared. */
import { join } from 'node:path'
import { type Activity, headerNames, jsonContentType, topicNames } from '@streampay/domain'
import { openCluster, openProducer } from '@streampay/kafka'
import { personId } from '../grow/history.ts'
import type { Pids } from '../harness/meter.ts'
import type { Run } from '../harness/scenario.ts'
import { eventId } from '../load/sse-job.ts'
import { startApplication } from './application.ts'
import { definitionsFor, root, somePorts } from './services.ts'

/** Streams that share a connection are many; with a connection for each, the limit is a lower protocol. */
export type Sockets = 'shared' | 'own'

export type SseServer = {
  readonly name: string
  readonly origin: string
  readonly pids: Pids
  /** The process that serves the streams. */
  readonly pid: number
  send(events: readonly Activity[]): Promise<void>
  stop(): Promise<void>
}

/** All clients have one address here, from which a gateway accepts fewer connections than from a proxy. */
const env = { GATEWAY_TRUSTED_PROXIES: '127.0.0.1' }

/** Events are written directly to `activities`. */
export async function startOurs({ children }: Run, data: string): Promise<SseServer> {
  const application = await startApplication({ children, data, args: ['--no-simulation'], env })
  const { launcher: _, ...pids } = application.pids
  const cluster = openCluster({ brokers: [application.brokers], clientId: 'bench' })
  await cluster.ready()
  const producer = openProducer(cluster)
  return {
    name: 'streampay',
    origin: application.origin,
    pids,
    pid: pids.gateway ?? 0,
    send: async (events) => void (await producer.send(events.map(recordOf))),
    async stop() {
      await producer.close()
      await cluster.close()
      await application.stop()
    },
  }
}

const limits = {
  shared: { name: 'bare', main: 'bench/rivals/bare-sse-main.ts' },
  own: { name: 'raw TLS', main: 'bench/rivals/bare-tls-main.ts' },
} as const

/** With Node's flags and the memory allocator's settings of a gateway. @param data a folder that the application has run in */
export async function startLimit({ children }: Run, data: string, sockets: Sockets): Promise<SseServer> {
  const { name, main } = limits[sockets]
  const gateway = definitionsFor(data, await somePorts()).get('gateway')
  const malloc = Object.entries(gateway?.env ?? {}).filter(([variable]) => variable.startsWith('MALLOC_'))
  const child = await children.node([...(gateway?.nodeFlags ?? []), join(root, main), join(data, 'gateway')], {
    env: { ...process.env, ...Object.fromEntries(malloc) },
  })
  const { port } = await child.message<{ readonly port: number }>('ready')
  return {
    name,
    origin: `https://localhost:${port}`,
    pids: { [name]: child.pid },
    pid: child.pid,
    send: async (events) => void child.process.send({ frames: events.map(frameOf) }),
    stop: async () => void (await child.stop()),
  }
}

export function activity(): Activity {
  const [from, to] = [personId(1), personId(2)]
  return { id: eventId(), type: 'payment', from, fromName: 'Ada 1', to, toName: 'Bob 2', amount: 100, at: Date.now() }
}

function recordOf(value: Activity) {
  const headers = { [headerNames.contentType]: jsonContentType }
  return { topic: topicNames.activities, key: value.from, value: JSON.stringify(value), headers }
}

/** As long as the gateway's, which has an id of its own for each event. */
function frameOf(value: Activity): string {
  return `id: ${'0'.repeat(52)}\ndata: ${JSON.stringify(value)}\n\n`
}
