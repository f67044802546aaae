import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { launchBrowser } from '../../apps/ui/test/support/browser.ts'
import { type MockGateway, startMockGateway } from '../../apps/ui/test/support/mock-gateway.ts'
import { desktop, driveWallet } from '../../apps/ui/test/support/wallet-driver.ts'
import { startMeter } from '../harness/meter.ts'
import { type Run, type Sample, type Scenario, UsageError } from '../harness/scenario.ts'

/** At this pace activities are told: as many as are due. */
const tickMs = 20
const dist = fileURLToPath(new URL('../../apps/ui/dist', import.meta.url))

/**
 * The built wallet in a real browser, signed in and on Home, while a stand-in for the gateway tells so many activities a second. CPU
 * is that of the page's main thread, as the browser counts it, and of the process that has page and worker, all threads.
 */
export const home: Scenario = {
  name: 'home',
  summary: 'the page Home in a real browser while many things happen: its CPU, nodes and memory',
  options: {
    rate: { type: 'string', fallback: '0,8,150', help: 'activities a second' },
    seconds: { type: 'string', fallback: '30', help: 'of each' },
    rounds: { type: 'string', fallback: '3', help: 'of each, one after the other in the same page' },
  },
  plots: [
    { figure: 'mainThreadPercent', title: 'Of a core, the main thread of the page, percent' },
    { figure: 'nodes', title: 'DOM nodes at the end of a round' },
  ],
  maxMinutes: 20,
  async run(run) {
    if (!existsSync(dist)) throw new UsageError('The wallet is not built yet: `npm start` does it at its first start.')
    const gateway = await startMockGateway({ dist })
    const browser = await launchBrowser()
    try {
      return { measurements: await measure(run, { gateway, browser }) }
    } finally {
      await browser.close()
      await gateway.close()
    }
  },
}

type Place = { readonly gateway: MockGateway; readonly browser: Browser }

async function measure(run: Run, { gateway, browser }: Place) {
  const page = await browser.newPage({ ignoreHTTPSErrors: true, viewport: desktop })
  const wallet = driveWallet(page, gateway.origin)
  await wallet.signIn()
  await page.getByRole('list', { name: /^Activity/ }).waitFor()
  const measurements = []
  for (const rate of run.counts('rate')) {
    const samples: Sample[] = []
    const watch = await watcherOf(page, browser)
    // What is compiled and filled once doesn't count.
    await tell(gateway, { rate, seconds: 5 })
    for (let round = 0; round < run.count('rounds'); round++) {
      samples.push(await watch(() => tell(gateway, { rate, seconds: run.count('seconds') })))
    }
    measurements.push({ subject: 'Home', case: `${rate} activities a second`, unit: 'activity', samples })
  }
  return measurements
}

/** Resolves after so many seconds with the number that was told. */
async function tell({ ledger }: MockGateway, { rate, seconds }: { rate: number; seconds: number }): Promise<number> {
  const startedAt = performance.now()
  let told = 0
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * rate)
    for (; told < due; told++) {
      const from = ledger.users[told % ledger.users.length]
      const to = ledger.users[(told * 7 + 1 + (told % 5)) % ledger.users.length]
      ledger.act('payment', from?.id ?? '', to?.id ?? '', 100 + ((told * 7_919) % 20_000))
    }
    await delay(tickMs)
  }
  return told
}

/** Of the page: what a stretch of work, which returns the number of activities, costs it. */
async function watcherOf(page: Page, browser: Browser) {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const pid = await rendererOf(browser)
  return async (work: () => Promise<number>): Promise<Sample> => {
    const before = await metricsOf(session)
    const meter = startMeter({ renderer: pid })
    const startedAt = performance.now()
    const activities = await work()
    const seconds = (performance.now() - startedAt) / 1_000
    const processes = meter.end(Math.max(1, activities))
    const after = await metricsOf(session)
    const percent = (metric: string) => (((after[metric] ?? 0) - (before[metric] ?? 0)) / seconds) * 100
    const figures = {
      mainThreadPercent: percent('TaskDuration'),
      scriptPercent: percent('ScriptDuration'),
      layoutAndStylePercent: percent('LayoutDuration') + percent('RecalcStyleDuration'),
      processPercent: (processes.renderer?.cpuMs ?? 0) / seconds / 10,
      nodesBefore: before.Nodes ?? 0,
      nodes: after.Nodes ?? 0,
      heapBeforeMb: (before.JSHeapUsedSize ?? 0) / 2 ** 20,
      heapMb: (after.JSHeapUsedSize ?? 0) / 2 ** 20,
      activities,
    }
    return { figures, processes }
  }
}

/** After a collection, so that nodes and memory are those in use. */
async function metricsOf(session: CDPSession): Promise<Readonly<Record<string, number>>> {
  await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
}

/** The process of the only page, and of its worker. */
async function rendererOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const renderers = processInfo.filter(({ type }) => type === 'renderer')
  const [busiest] = renderers.sort((left, right) => right.cpuTime - left.cpuTime)
  if (busiest === undefined) throw new Error('the browser has no process for the page')
  return busiest.id
}
