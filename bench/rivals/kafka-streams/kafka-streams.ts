/** Starts the topology of MoneyPath.java: jars by Maven, classes by the JDK on this machine, one JVM in a process of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { jarsOf } from '../../../test/support/apache-kafka/jars.ts'
import type { Children } from '../../harness/children.ts'
import { openingBalance } from '../../support/money-path.ts'
import type { Settings } from './settings.ts'

const run = promisify(execFile)
const here = import.meta.dirname
const version = '4.3.1'
const compileTimeoutMs = 60_000
const readyTimeoutMs = 90_000
const closeTimeoutMs = 20_000

/**
 * Those with which Kafka's own scripts start a JVM (kafka-run-class.sh), and a heap that is large enough to be collected seldom.
 */
export const jvmFlags: readonly string[] = [
  '-Xms1g',
  '-Xmx1g',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
]

/** Compiles into the folder. @returns the class path */
export async function compileKafkaStreams(folder: string): Promise<string> {
  const jars = await jarsOf({ pom: join(here, 'pom.xml'), version, name: 'kafka-streams', main: 'kafka-streams' })
  const classes = join(folder, 'classes')
  const sources = ['Main.java', 'MoneyPath.java'].map((file) => join(here, file))
  await run('javac', ['-d', classes, '-cp', join(jars, '*'), ...sources], { timeout: compileTimeoutMs })
  return `${classes}:${join(jars, '*')}`
}

export type KafkaStreamsOptions = {
  readonly children: Children
  readonly classpath: string
  /** The application id. */
  readonly name: string
  readonly brokers: readonly string[]
  /** For state, settings and what it has to say. */
  readonly folder: string
  readonly settings: Settings
}

export type KafkaStreams = {
  readonly pid: number
  readonly ended: Promise<number | string>
  stop(): Promise<unknown>
}

/** Resolves when its tasks run. */
export async function startKafkaStreams(options: KafkaStreamsOptions): Promise<KafkaStreams> {
  const { children, classpath, folder } = options
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'streams.properties')
  const log = join(folder, 'streams.log')
  writeFileSync(file, propertiesOf(options))
  const output = await open(log, 'a')
  const flags = [...jvmFlags, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classpath]
  const child = spawn('java', [...flags, 'Main', file, String(openingBalance)], { stdio: ['pipe', 'pipe', output.fd] })
  await once(child, 'spawn')
  await output.close()
  const { pid } = child
  if (pid === undefined) throw new Error('java was not started')
  children.adopt([pid])
  const ended = once(child, 'exit').then(([code, signal]): number | string => code ?? signal)
  ended.finally(() => children.forget([pid]))
  try {
    await ready(child, ended)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`Kafka Streams does not run:\n${readFileSync(log, 'utf8').slice(-4000)}`, { cause: error })
  }
  return { pid, ended, stop: () => stop(child, ended) }
}

function propertiesOf({ name, brokers, folder, settings }: KafkaStreamsOptions): string {
  const all = {
    'application.id': name,
    'bootstrap.servers': brokers.join(','),
    'state.dir': join(folder, 'state'),
    ...settings,
  }
  return `${Object.entries(all)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`
}

async function ready({ stdout }: ChildProcess, ended: Promise<number | string>): Promise<void> {
  if (stdout === null) throw new Error('java has no output')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const lines = createInterface({ input: stdout }).on('line', (line) => line === 'ready' && resolve())
  const timer = setTimeout(() => reject(new Error(`not ready after ${readyTimeoutMs} ms`)), readyTimeoutMs)
  ended.then((how) => reject(new Error(`it ended (${how})`)), reject)
  await promise.finally(() => clearTimeout(timer))
  // Later lines are read and dropped, so that it never waits for its output.
  lines.removeAllListeners('line')
}

/** It closes when its input ends. */
async function stop(child: ChildProcess, ended: Promise<number | string>): Promise<number | string> {
  child.stdin?.end()
  const timer = setTimeout(() => child.kill('SIGKILL'), closeTimeoutMs)
  return await ended.finally(() => clearTimeout(timer))
}
