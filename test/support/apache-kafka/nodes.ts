/** The nodes of a cluster before they start: their ports, the key of the secured listener, and the folders that Kafka's formatter makes. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../free-ports.ts'
import type { ApacheKafkaOptions, Credentials } from './apache-kafka.ts'

const run = promisify(execFile)

/** Any 16 bytes in base64: the nodes of one cluster must have the same id. */
const clusterId = 'c3RyZWFtcGF5LXRlc3RzIQ'

export type Node = {
  readonly id: number
  readonly port: number
  /** The port advertised to clients instead of `port`. */
  readonly advertisedPort: number
  readonly securedPort: number
  readonly controllerPort: number
  /** The port for the other nodes, if `port` is behind a proxy. */
  readonly innerPort: number
  readonly folder: string
}

/** An option of each JVM. */
export const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
export const propertiesOf = (node: Node) => join(node.folder, 'server.properties')

export async function nodesIn(folder: string, count: number, { proxied }: ApacheKafkaOptions): Promise<Node[]> {
  const portsOfOne = 4
  const ports = await freePorts(count * portsOfOne)
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const [port = 0, securedPort = 0, controllerPort = 0, innerPort = 0] = ports.slice(index * portsOfOne)
      const advertisedPort = (await proxied?.(port, index)) ?? port
      const node = { id: index + 1, port, advertisedPort, securedPort, controllerPort, innerPort }
      return { ...node, folder: join(folder, String(node.id)) }
    }),
  )
}

type Keys = { readonly keystore: string; readonly ca: string }

const keystorePassword = 'keystore'

/** A key with a certificate that it has signed itself; `keytool` comes with Java. */
export async function makeKeys(folder: string): Promise<Keys> {
  const keystore = join(folder, 'keystore.p12')
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', keystorePassword, '-alias', 'kafka']
  const name = ['-dname', 'CN=streampay-test', '-ext', 'san=ip:127.0.0.1,dns:localhost']
  await run('keytool', ['-genkeypair', ...store, ...name, '-keyalg', 'EC', '-validity', '7'])
  const { stdout } = await run('keytool', ['-exportcert', '-rfc', ...store])
  return { keystore, ca: stdout }
}

export async function format(
  node: Node,
  nodes: readonly Node[],
  { classpath, options, keys }: { classpath: string; options: ApacheKafkaOptions; keys: Keys | null },
): Promise<void> {
  const secured = options.secured === undefined || keys === null ? null : securedListener(node, options.secured, keys)
  const inner = options.proxied === undefined ? {} : innerListener(node)
  const properties = { ...propertiesFor(node, nodes), ...inner, ...secured?.properties, ...options.settings }
  await mkdir(node.folder, { recursive: true })
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`)
  await writeFile(propertiesOf(node), `${lines.join('\n')}\n`)
  const command = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', propertiesOf(node)]
  await run('java', ['-cp', classpath, quiet, ...command, ...(secured?.users ?? [])], { timeout: 60_000 })
}

function propertiesFor(node: Node, nodes: readonly Node[]): Record<string, string> {
  const replication = String(nodes.length)
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(node.folder, 'data'),
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': nodes.length === 1 ? '1' : '2',
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
  }
}

/** Clients come through the proxy, the other nodes don't: faults of the proxy affect connections of clients only. */
function innerListener({ port, advertisedPort, innerPort, controllerPort }: Node): Record<string, string> {
  const inner = `INNER://127.0.0.1:${innerPort}`
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port},${inner},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort},${inner}`,
    'inter.broker.listener.name': 'INNER',
  }
}

/** The settings of the listener, and the formatter's arguments for its users. */
function securedListener(node: Node, { username, password }: Credentials, { keystore }: Keys) {
  const plain = 'listener.name.secured.plain.sasl.jaas.config'
  const scram = (bits: string) => [`listener.name.secured.scram-sha-${bits}.sasl.jaas.config`, scramModule] as const
  const scramModule = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const plainModule = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const open = `PLAINTEXT://127.0.0.1:${node.port},SECURED://127.0.0.1:${node.securedPort}`
  return {
    properties: {
      listeners: `${open},CONTROLLER://127.0.0.1:${node.controllerPort}`,
      'advertised.listeners': open,
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'ssl.keystore.location': keystore,
      'ssl.keystore.password': keystorePassword,
      [plain]: `${plainModule} user_${username}="${password}";`,
      ...Object.fromEntries([scram('256'), scram('512')]),
    },
    users: ['256', '512'].flatMap((bits) => [
      '--add-scram',
      `SCRAM-SHA-${bits}=[name=${username},password=${password}]`,
    ]),
  }
}
