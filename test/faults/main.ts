/**
 * `npm run test:faults [-- --log embedded|kafka|kafka3|kafka39 --minutes N --seed S]`: StreamPay under load and faults; see `--help` and
 * harness.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Harness } from './harness.ts'
import { type HarnessOptions, helpText, parseOptions, UsageError } from './options.ts'
import { textOf } from './summary.ts'

// After 20 minutes Node 26.10 does not complete its own exit: with nothing left to run, Environment::CleanupHandles waits without end for a
// native handle to be closed, and uses a whole core. An explicit exit avoids that.
process.exit(await main())

async function main(): Promise<number> {
  let options: HarnessOptions | 'help'
  try {
    options = parseOptions(process.argv.slice(2), Date.now())
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(error.message)
    return 2
  }
  if (options === 'help') {
    console.log(helpText)
    return 0
  }
  return run(options)
}

async function run(options: HarnessOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'streampay-faults-'))
  const logs = join(folder, 'logs')
  const harness = new Harness(options, { folder, logs })
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  // All processes end with this one, paused ones too, which would otherwise never end.
  process.on('exit', () => harness.destroy())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      console.log('ending everything')
      harness.destroy()
      remove()
      process.exit(130)
    })
  }

  console.log(`${options.minutes} minutes on ${options.log}, seed ${options.seed}`)
  const summary = await harness.run()
  console.log(textOf(summary))
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(summary, undefined, 2)}\n`)
  if (summary.isClean && !options.keep) remove()
  else console.log(`the logs of all processes are in ${folder}`)
  return summary.isClean ? 0 : 1
}
