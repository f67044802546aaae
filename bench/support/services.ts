/** The services as `npm start` runs them, one at a time, each a process of the run. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openAdmin, openCluster } from '@streampay/kafka'
import { paymentsTopology, statisticsTopology } from '@streampay/payments'
import { parseOptions } from '../../apps/launcher/src/options.ts'
import { type ServiceDefinition, servicesFor } from '../../apps/launcher/src/services.ts'
import { freePorts } from '../../test/support/free-ports.ts'
import type { Child, Children } from '../harness/children.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiled code is kept where `npm start` keeps it. */
export const compileCache = join(root, 'node_modules/.cache/streampay/compiled')

export type Ports = { readonly port: number; readonly brokerPort: number; readonly identityPort: number }

export async function somePorts(): Promise<Ports> {
  const [port = 0, brokerPort = 0, identityPort = 0] = await freePorts(3)
  return { port, brokerPort, identityPort }
}

/** What the launcher would start with these ports and this folder. */
export function definitionsFor(
  data: string,
  ports: Ports,
  args: readonly string[] = [],
): Map<string, ServiceDefinition> {
  const options = parseOptions([...portArguments(ports), '--data', data, ...args], {})
  if (options === 'help') throw new Error('help was not asked for')
  return new Map(servicesFor(options, { root, data }).map((definition) => [definition.name, definition]))
}

export function portArguments({ port, brokerPort, identityPort }: Ports): string[] {
  return ['--port', port, '--broker-port', brokerPort, '--identity-port', identityPort].map(String)
}

export type ServiceStart = {
  readonly children: Children
  readonly definitions: ReadonlyMap<string, ServiceDefinition>
  readonly env?: Readonly<Record<string, string>>
  /** Called with the process before it is ready. */
  readonly onSpawn?: ((pid: number) => void) | undefined
}

/** Resolves when it reports that it is ready. */
export async function startService(
  name: string,
  { children, definitions, env, onSpawn }: ServiceStart,
): Promise<Child> {
  const definition = definitions.get(name)
  if (definition === undefined) throw new Error(`there is no service ${name}`)
  const child = await children.node([...definition.nodeFlags, definition.main], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...definition.env, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onSpawn?.(child.pid)
  await child.message('ready')
  return child
}

/**
 * A broker whose log can be audited. The audit needs the groups' offsets, and a grown log has none, because only members of a group commit
 * them. All inputs of the groups are processed, so the groups get the ends of the inputs.
 */
export async function startAuditableBroker({ children, definitions }: ServiceStart): Promise<Child> {
  const broker = await startService('broker', { children, definitions })
  const brokers = definitions.get('payments')?.env.KAFKA_BROKERS?.split(',') ?? []
  const cluster = openCluster({ brokers, clientId: 'bench' })
  const admin = openAdmin(cluster)
  for (const { applicationId, sources } of [paymentsTopology(), statisticsTopology()]) {
    const topics = await admin.describeTopics(sources.map(({ topic }) => topic))
    const inputs = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    )
    const known = await admin.committedOffsets(applicationId, inputs, { requireStable: true })
    if (known.some(({ offset }) => offset !== -1)) continue
    const ends = await admin.listOffsets(inputs, 'latest')
    const group = { groupId: applicationId, generationId: -1, memberId: '', groupInstanceId: null }
    await admin.commitOffsets(
      group,
      ends.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata: '' })),
    )
  }
  await cluster.close()
  return broker
}
