/**
 * Starts Apache Kafka from Maven's jars, for tests: one or three nodes of KRaft in a temporary folder on free loopback ports. Needs Java 17
 * and, the first time for a version, `mvn`. Settings are the broker's defaults, except the replication of the internal topics, which a
 * small cluster can't have, and a rebalance delay of zero.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect as openSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jarsOf } from './jars.ts'
import { format, makeKeys, type Node, nodesIn, propertiesOf, quiet } from './nodes.ts'

const pom = join(import.meta.dirname, 'pom.xml')
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
