import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { copyOf, grownFolder } from '../grow/grow.ts'
import { personId } from '../grow/history.ts'
import { type ProcessSample, startMeter } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Run, Sample, Scenario } from '../harness/scenario.ts'
import { type Application, caOf, startApplication } from '../support/application.ts'
import { firstPayment } from '../support/first-payment.ts'
import type { Ports } from '../support/services.ts'
import { tokensOf } from '../support/tokens.ts'
import { historyOf } from './grow.ts'

const endings = ['after a clean stop', 'after SIGKILL of everything'] as const
type Ending = (typeof endings)[number]

const paymentTimeoutMs = 600_000

/** From the start of the launcher; CPU counts from the beginning of each process until all were ready. */
export const start: Scenario = {
  name: 'start',
  summary: 'npm start until everything is ready and until the first payment, by the length of the history',
  options: {
    payments: {
      type: 'string',
      fallback: '0,1e4,1e5,1e6',
      help: 'lengths of the history; all are compared with the first',
    },
    people: { type: 'string', fallback: '1e5', help: 'as for grow' },
    rounds: { type: 'string', fallback: '3', help: 'starts of each length and ending' },
    seconds: { type: 'string', fallback: '0', help: 'after ready, until memory is read' },
    args: { type: 'string', fallback: '', help: 'more options for npm start, such as "--no-simulation"' },
  },
  plots: [
    { figure: 'readySeconds', title: 'From npm start to ready, seconds' },
    { figure: 'paymentSeconds', title: 'From npm start to the first payment, seconds' },
  ],
  maxMinutes: 120,
  async run(run) {
    const places: { readonly name: string; readonly data: string }[] = []
    for (const payments of run.counts('payments')) {
      const folder = await grownFolder(historyOf(run, payments), run)
      places.push({ name: `${payments.toLocaleString('en')} payments`, data: copyOf(folder, run) })
    }
    const subjects = places.flatMap(({ name, data }) => endings.map((ending) => startsOf(run, { name, data, ending })))
    const values = await inTurns(subjects, { rounds: run.count('rounds') })
    for (const { data } of places) rmSync(data, { recursive: true, force: true })
    const at = (ending: Ending, name = '') => ({ subject: ending, case: name })
    return {
      measurements: endings.flatMap((ending) =>
        places.map(({ name }) => ({
          ...at(ending, name),
          unit: 'start',
          samples: values.get(`${name} ${ending}`) ?? [],
        })),
      ),
      comparisons: endings.flatMap((ending) =>
        places.slice(1).flatMap(({ name }) =>
          ['readySeconds', 'cpuMsPerUnit'].map((figure) => ({
            figure,
            of: at(ending, name),
            to: at(ending, places[0]?.name),
          })),
        ),
      ),
    }
  },
}

type Place = { readonly name: string; readonly data: string; readonly ending: Ending }

function startsOf(run: Run, { name, data, ending }: Place): Subject<Sample> {
  return {
    name: `${name} ${ending}`,
    async run(round) {
      // The start after this stop is measured.
      await end(await startApplication({ children: run.children, data, args: argsOf(run) }), ending)
      const { sample, application } = await measuredStart(run, data)
      await application.stop()
      run.print(`${name} ${ending}, round ${round + 1}: ready after ${application.readySeconds.toFixed(2)} s`)
      return sample
    },
  }
}

function end(application: Application, ending: Ending): Promise<void> {
  return ending === 'after a clean stop' ? application.stop() : application.kill()
}

async function measuredStart(run: Run, data: string): Promise<{ sample: Sample; application: Application }> {
  let paid: Promise<number> | undefined
  const onStart = (ports: Ports, startedAt: number) => {
    paid = payFirst(data, ports).then((at) => (at - startedAt) / 1000)
    // Reported below, once the application runs or has reported why it does not.
    paid.catch(() => undefined)
  }
  const application = await startApplication({ children: run.children, data, args: argsOf(run), onStart })
  const meter = startMeter(application.pids, { sinceStart: true })
  const atReady = meter.end(1)
  const services = Object.entries(application.serviceSeconds).map(([name, seconds]) => [`${name}Seconds`, seconds])
  const paymentSeconds = (await paid) ?? Number.NaN
  const figures = { readySeconds: application.readySeconds, paymentSeconds, ...Object.fromEntries(services) }
  await delay(run.count('seconds') * 1000)
  const processes = Object.fromEntries(
    Object.entries(meter.end(1)).map(([name, later]) => [name, { ...later, ...cpuOf(atReady[name]) }]),
  )
  return { sample: { figures, processes }, application }
}

/** CPU is that of the start, whenever memory is read. */
function cpuOf(sample: ProcessSample | undefined): Partial<ProcessSample> {
  return sample === undefined ? {} : { cpuMs: sample.cpuMs, cpuMsPerUnit: sample.cpuMsPerUnit }
}

async function payFirst(data: string, { port }: Ports): Promise<number> {
  const origin = `https://localhost:${port}`
  const token = await (await tokensOf(data, origin))(personId(1))
  return firstPayment({ origin, ca: caOf(data), token, payee: personId(0), timeoutMs: paymentTimeoutMs })
}

function argsOf(run: Run): string[] {
  return run.text('args').split(' ').filter(Boolean)
}
