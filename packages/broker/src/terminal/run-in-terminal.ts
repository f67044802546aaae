/** The broker for a user at a terminal: prints its address, how to try it, and what remains on the disk when it ends. */
import { readFileSync } from 'node:fs'
import { openAdmin, openCluster } from '@streampay/kafka'
import { openLogger, runService, type StartedService } from '@streampay/process'
import type { Broker } from '../broker.ts'
import { createBroker } from '../create-broker.ts'
import { startFault } from '../options-from-env.ts'
import { help, type Wanted, wantedOf } from './arguments.ts'
import { textLogger } from './text-logger.ts'

/** Serves until Ctrl-C or SIGTERM. Exits with 2 for unknown arguments, with 1 if it can't start or continue. */
export function runInTerminal(words: readonly string[]): void {
  const wanted = understood(words)
  if (wanted === undefined) return
  runService({
    title: 'The broker',
    // The output here consists of sentences.
    logger: openLogger({ level: 'silent' }),
    cannotStart: (reason) => `broker: ${reason}`,
    hasStopped: (reason) => `broker: the log can't be written any more: ${reason}`,
    start: () => started(wanted),
  })
}

function understood(words: readonly string[]): Wanted | undefined {
  try {
    const wanted = wantedOf(words, process.env)
    if (typeof wanted === 'object') return wanted
    process.stdout.write(wanted === 'help' ? help : `${versionOfPackage()}\n`)
  } catch (error) {
    process.stderr.write(`broker: ${error instanceof Error ? error.message : error}\nSee --help.\n`)
    process.exitCode = 2
  }
  return undefined
}

async function started({ options, topics, logLevel }: Wanted): Promise<StartedService> {
  const logger = textLogger(logLevel, (line) => process.stderr.write(line))
  const broker = await createBroker({ ...options, logger }).catch((error: unknown) => {
    throw new Error(`${startFault(error, options)}${adviceFor(error)}`, { cause: error })
  })
  await makeTopics(broker, topics)
  const { dataDir } = options
  process.stdout.write(welcome(broker, { dataDir, topic: topics[0]?.name, makes: options.config?.autoCreateTopics }))
  return {
    ready: broker.brokers,
    async close() {
      await broker.close()
      process.stdout.write(
        dataDir === undefined ? 'Ended. The log in memory is gone.\n' : `Ended. The log is in ${dataDir}.\n`,
      )
    },
    done: broker.failure.then((error) => Promise.reject(error)),
  }
}

async function makeTopics({ brokers }: Broker, topics: Wanted['topics']): Promise<void> {
  if (topics.length === 0) return
  const cluster = openCluster({ brokers: [brokers], clientId: 'broker' })
  try {
    await openAdmin(cluster).createTopics(topics)
  } finally {
    await cluster.close()
  }
}

function adviceFor(error: unknown): string {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  return isTaken ? ': choose another one with --port, or any free one with --port 0' : ''
}

type Circumstances = {
  readonly dataDir: string | undefined
  readonly topic: string | undefined
  readonly makes: boolean | undefined
}

function welcome({ brokers }: Broker, { dataDir, topic, makes = false }: Circumstances): string {
  const name = topic ?? (makes ? 'greetings' : undefined)
  const tries = [`kcat -b ${brokers} -L`]
  if (name !== undefined) {
    tries.push(`echo hello | kcat -b ${brokers} -P -t ${name}`, `kcat -b ${brokers} -C -t ${name} -e`)
  }
  const lines = [
    `The Kafka protocol is served at ${brokers}.`,
    dataDir === undefined
      ? 'The log is in memory: it is lost when this process ends. --data <folder> keeps it.'
      : `The log is in the folder ${dataDir}, and the next start with it continues where this one ends.`,
    makes
      ? 'A topic is made when a client first asks for it.'
      : 'Topics are made by your programs, by --topic <name>, or, with --auto-create-topics, when a client first asks for one.',
    '',
    'To try it, in another terminal:',
    ...tries.map((command) => `  ${command}`),
    '',
    'Ctrl-C ends it.',
  ]
  return `${lines.join('\n')}\n`
}

function versionOfPackage(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(Reflect.get(Object(manifest), 'version'))
}
