/**
 * `npm run test:outage [-- --seconds 60 --log embedded|kafka|kafka39]`: the whole application while its log is killed and kept
 * away, and when it comes back. It ends 0 only if nobody hung, nothing was lost or doubled, and everything resumed by itself.
 */
import { parseArgs } from 'node:util'
import { startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'
import { type StoppableLog, startEmbeddedLog } from '../support/embedded-log.ts'
import { runOutage } from './outage.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, log: { type: 'string', default: 'embedded' } },
})

const log = await open(values.log)
try {
  console.log(`the log (${values.log}) is killed and kept away for ${values.seconds} s`)
  const faults = await runOutage({ log, seconds: Number(values.seconds), print: (line) => console.log(line) })
  for (const fault of faults) console.error(`FAULT ${fault}`)
  console.log(faults.length === 0 ? 'clean' : `${faults.length} faults`)
  process.exitCode = faults.length === 0 ? 0 : 1
} finally {
  await log.close()
}

async function open(name: string): Promise<StoppableLog> {
  if (name === 'embedded') return startEmbeddedLog()
  const kafka = await startApacheKafka(name === 'kafka39' ? { version: '3.9.1' } : {})
  return { ...kafka, stop: () => kafka.stop({ signal: 'SIGKILL' }), start: () => kafka.start() }
}
