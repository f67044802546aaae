import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startApacheKafka } from '../../test/support/apache-kafka/apache-kafka.ts'
import { inTurns } from '../harness/rounds.ts'
import { type Comparison, type Measurement, type Sample, type Scenario, UsageError } from '../harness/scenario.ts'
import { jvmFlags } from '../rivals/kafka-streams/kafka-streams.ts'
import { settingsFrom } from '../rivals/kafka-streams/settings.ts'
import { type SubjectKey, subjectKeys, subjectNames } from '../support/money-subjects.ts'
import { openStage, turn } from '../support/money-turn.ts'

/**
 * The same topology, the same commands, one Apache Kafka. In each round a subject is started, warmed up, measured in all cases and stopped
 * before the next one starts: only the measured subject runs, since Kafka Streams with settings for low latency is never idle.
 */
export const streams: Scenario = {
  name: 'streams',
  summary:
    'commands → replies of a topology on Apache Kafka: our streams library, Kafka Streams, and a client loop alone',
  options: {
    'in-flight': { type: 'string', fallback: '1,64,1024', help: 'commands under way, comma-separated' },
    seconds: { type: 'string', fallback: '10', help: 'that are counted, of each measurement' },
    'warm-up': { type: 'string', fallback: '30', help: 'seconds of commands after each start of a subject' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
    subjects: { type: 'string', fallback: subjectKeys.join(','), help: 'some of these, comma-separated' },
    accounts: { type: 'string', fallback: '1e4', help: 'that pay each other' },
    set: { type: 'string', fallback: '', help: 'name=value,… for Kafka Streams on top of settings.ts, to try others' },
  },
  plots: [
    { figure: 'perSecond', title: 'Commands per second' },
    { figure: 'p50Ms', title: 'p50 of a command, ms' },
  ],
  maxMinutes: 60,
  async run(run) {
    const keys = subjectsIn(run.text('subjects'))
    const settings = settingsFrom(run.text('set'))
    if (settings === undefined) throw new UsageError('--set is not name=value,name=value')
    mkdirSync(join(run.scratch, 'work'), { recursive: true })
    const folder = mkdtempSync(join(run.scratch, 'work', 'streams-'))
    const kafka = await startApacheKafka({ folder: join(folder, 'kafka'), jvmFlags })
    try {
      const stage = await openStage({ run, kafka, folder, settings })
      const inFlight = run.counts('in-flight')
      const subjects = keys.map((key) => ({
        name: subjectNames[key],
        run: (round: number) => turn(stage, key, { inFlight, round }),
      }))
      // Kafka itself is compiled while it runs, so a first round is not counted.
      const turns = await inTurns(subjects, { rounds: run.count('rounds'), warmUps: 1 })
      await stage.cluster.close()
      return { measurements: measurementsOf(turns, inFlight), comparisons: comparisonsOf(keys, inFlight) }
    } finally {
      await run.children.endAll()
      await kafka.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** @throws UsageError */
function subjectsIn(text: string): SubjectKey[] {
  return text.split(',').map((name) => {
    const key = subjectKeys.find((one) => one === name.trim())
    if (key === undefined)
      throw new UsageError(`--subjects names "${name}", but there are only ${subjectKeys.join(', ')}`)
    return key
  })
}

function measurementsOf(turns: ReadonlyMap<string, readonly Sample[][]>, inFlight: readonly number[]): Measurement[] {
  return inFlight.flatMap((many, at) =>
    [...turns].map(([subject, rounds]) => {
      const samples = rounds.flatMap((ofRound) => ofRound[at] ?? [])
      return { subject, case: caseOf(many), unit: 'command', samples }
    }),
  )
}

function comparisonsOf(keys: readonly SubjectKey[], inFlight: readonly number[]): Comparison[] {
  if (!keys.includes('streampay')) return []
  return inFlight.flatMap((many) => {
    const at = (key: SubjectKey) => ({ subject: subjectNames[key], case: caseOf(many) })
    const others = keys.filter((key) => key !== 'streampay')
    return others.flatMap((other) =>
      ['perSecond', 'cpuMsPerUnit'].map((figure) => ({ figure, of: at('streampay'), to: at(other) })),
    )
  })
}

function caseOf(inFlight: number): string {
  return `${inFlight} in flight`
}
