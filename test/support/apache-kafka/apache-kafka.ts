/**
 * Starts Apache Kafka from Maven's jars, for tests: one or three nodes of KRaft in a temporary folder on free loopback ports. Needs Java 17
 * and, the first time for a version, `mvn`. Settings are the broker's defaults, except the replication of the internal topics, which a
 * small cluster can't have, and a rebalance delay of zero.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as openSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../free-ports.ts'
import { jarsOf } from './jars.ts'

const run = promisify(execFile)
const pom = join(import.meta.dirname, 'pom.xml')
/** Any 16 bytes in base64: the nodes of one cluster must have the same id. */
const clusterId = 'c3RyZWFtcGF5LXRlc3RzIQ'
const readyTimeoutMs = 90_000
const stopTimeoutMs = 20_000
const pollEveryMs = 100

export type ApacheKafkaOptions = {
  /** Default 4.3.1. */
  readonly version?: string
  /** Default 1. */
  readonly nodes?: 1 | 3
  /** A second listener with TLS and SASL (PLAIN, SCRAM-SHA-256 and -512) for this user. */
  readonly secured?: Credentials
  /** Broker settings on top of ours. */
  readonly settings?: Readonly<Record<string, string>>
  /**
   * Called with each node's own port for clients before it starts; returns the port that is advertised to clients instead, on the same
   * host: that of a proxy. Nodes then talk to each other on listeners of their own.
   */
  readonly proxied?: (port: number, node: number) => Promise<number>
  /** Options of each node's JVM, in place of those for a quick start and little memory. */
  readonly jvmFlags?: readonly string[]
  /** The folder of all files, logs included; by default a temporary folder, which `close` removes. */
  readonly folder?: string
}

export type Credentials = { readonly username: string; readonly password: string }

export type ApacheKafka = {
  /** `host:port` of every node, as advertised to clients. */
  readonly brokers: readonly string[]
  /** The listener with TLS and SASL, if it was requested: addresses, and the certificate authority to trust, in PEM. */
  readonly secured: { readonly brokers: readonly string[]; readonly ca: string } | null
  /** Ends a node, by default the first: SIGTERM is a clean shutdown, SIGKILL is none. */
  stop(options?: { node?: number; signal?: 'SIGTERM' | 'SIGKILL' }): Promise<void>
  /** Starts a node that was stopped on the same port and data, and waits until it serves. */
  start(options?: { node?: number }): Promise<void>
  /** The pid of a running node. */
  pidOf(node: number): number | undefined
  close(): Promise<void>
}

type Node = {
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

export async function startApacheKafka(options: ApacheKafkaOptions = {}): Promise<ApacheKafka> {
  const version = options.version ?? '4.3.1'
  const classpath = join(await jarsOf({ pom, version, name: 'apache-kafka', main: 'kafka_2.13' }), '*')
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'streampay-apache-kafka-')))
  const count = options.nodes ?? 1
  await mkdir(folder, { recursive: true })
  const nodes = await nodesIn(folder, count, options)
  const keys = options.secured === undefined ? null : await makeKeys(folder)
  for (const node of nodes) await format(node, nodes, { classpath, options, keys })
  const processes = new Map<number, ChildProcess>()
  const nodeAt = (index = 0): Node => {
    const node = nodes[index]
    if (node === undefined) throw new Error(`there is no node ${index} among ${count}`)
    return node
  }
  const stop = async (node: Node, signal: 'SIGTERM' | 'SIGKILL') => {
    const child = processes.get(node.id)
    processes.delete(node.id)
    if (child !== undefined) await end(child, signal)
  }
  const start = async (node: Node) => {
    if (!processes.has(node.id)) processes.set(node.id, launch(node, { classpath, jvmFlags: options.jvmFlags }))
    await serving(node, processes.get(node.id))
  }
  const close = async () => {
    await Promise.all(nodes.map((node) => stop(node, 'SIGKILL')))
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const node of nodes) processes.set(node.id, launch(node, { classpath, jvmFlags: options.jvmFlags }))
    await Promise.all(nodes.map(start))
  } catch (error) {
    await close()
    throw error
  }
  return {
    brokers: nodes.map((node) => `127.0.0.1:${node.advertisedPort}`),
    secured: keys && { brokers: nodes.map((node) => `127.0.0.1:${node.securedPort}`), ca: keys.ca },
    stop: ({ node, signal } = {}) => stop(nodeAt(node), signal ?? 'SIGTERM'),
    start: ({ node } = {}) => start(nodeAt(node)),
    pidOf: (node) => processes.get(nodeAt(node).id)?.pid,
    close,
  }
}

async function nodesIn(folder: string, count: number, { proxied }: ApacheKafkaOptions): Promise<Node[]> {
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
async function makeKeys(folder: string): Promise<Keys> {
  const keystore = join(folder, 'keystore.p12')
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', keystorePassword, '-alias', 'kafka']
  const name = ['-dname', 'CN=streampay-test', '-ext', 'san=ip:127.0.0.1,dns:localhost']
  await run('keytool', ['-genkeypair', ...store, ...name, '-keyalg', 'EC', '-validity', '7'])
  const { stdout } = await run('keytool', ['-exportcert', '-rfc', ...store])
  return { keystore, ca: stdout }
}

async function format(
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

const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
const propertiesOf = (node: Node) => join(node.folder, 'server.properties')
const logOf = (node: Node) => join(node.folder, 'server.log')

/** The test process may end without a call of `close`: no node outlives it. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

const quickJvm = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

type Jvm = { readonly classpath: string; readonly jvmFlags: readonly string[] | undefined }

function launch(node: Node, { classpath, jvmFlags = quickJvm }: Jvm): ChildProcess {
  const log = openSync(logOf(node), 'a')
  const options = [...jvmFlags, quiet, '-cp', classpath]
  const child = spawn('java', [...options, 'kafka.Kafka', propertiesOf(node)], { stdio: ['ignore', log, log] })
  closeSync(log)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

async function serving(node: Node, child: ChildProcess | undefined): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs
  while (child?.exitCode === null && child.signalCode === null) {
    if (await answers(node.port)) return
    if (Date.now() > deadline) break
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs))
  }
  const log = await readFile(logOf(node), 'utf8').catch(() => '')
  throw new Error(`node ${node.id} of Apache Kafka does not serve:\n${log.slice(-4000)}`)
}

/** ApiVersions v0, length first: a broker that answers it has finished starting its listener. */
function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = openSocket({ host: '127.0.0.1', port, timeout: 1000 })
  socket.once('connect', () => socket.write(Buffer.from('0000000a00120000000000010000', 'hex')))
  socket.once('data', () => resolve(true))
  for (const failure of ['error', 'timeout', 'close']) socket.once(failure, () => resolve(false))
  return promise.finally(() => socket.destroy())
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  await exited
  clearTimeout(timer)
}
