import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { monthOf } from '@streampay/domain'
import type { Page } from 'playwright-core'
import { launchBrowser } from '../../apps/ui/test/support/browser.ts'
import { startMockGateway } from '../../apps/ui/test/support/mock-gateway.ts'
import { desktop, driveWallet } from '../../apps/ui/test/support/wallet-driver.ts'
import type { Run, Sample, Scenario } from '../harness/scenario.ts'

/** One turn of a mouse wheel: about three lines. */
const stepPx = 240
const dist = fileURLToPath(new URL('../../apps/ui/dist', import.meta.url))

/** Whether a long statement blocks the page that shows it. Needs the built pages: `cd apps/ui && npx vite build`. */
export const scroll: Scenario = {
  name: 'scroll',
  summary: 'a long statement, scrolled through in a browser to its end: tasks of the page',
  options: {
    entries: { type: 'string', fallback: '1e4', help: 'of the statement, all of one month' },
    rounds: { type: 'string', fallback: '3', help: 'each in a page of its own' },
  },
  plots: [{ figure: 'longestTaskMs', title: 'The longest task while scrolling, ms' }],
  maxMinutes: 20,
  async run(run) {
    const entries = run.count('entries')
    const samples: Sample[] = []
    for (let round = 0; round < run.count('rounds'); round += 1) samples.push(await scrolled(run, entries))
    return { measurements: [{ subject: 'statement', case: `${entries} entries`, unit: 'scroll', samples }] }
  },
}

/** Tasks of 50 ms and more, as the browser counts them. */
const observeTasks = `
  globalThis.tasks = []
  new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask' })`

async function scrolled(run: Run, entries: number): Promise<Sample> {
  const gateway = await startMockGateway({ dist })
  const browser = await launchBrowser()
  try {
    gateway.faults.pageSize = 1_000
    for (let n = 0; n < entries; n += 1) gateway.ledger.move('grace-hopper', 1, { notes: `Entry ${n}` })
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: desktop })
    const page = await context.newPage()
    const wallet = driveWallet(page, gateway.origin)
    await wallet.signIn()
    const month = monthOf(Date.now())
    await wallet.open(`/statement?from=${month}&to=${month}`, 'Statement')
    await page.getByText(`Entry ${entries - 1}`, { exact: true }).waitFor()
    await page.evaluate(observeTasks)
    const beganAt = performance.now()
    const mostRows = await scrollToEnd(page)
    const seconds = (performance.now() - beganAt) / 1000
    const tasks = (await page.evaluate('globalThis.tasks')) as number[]
    const longestTaskMs = Math.max(0, ...tasks)
    const over100 = tasks.filter((ms) => ms > 100).length
    run.print(
      `${entries} entries in ${seconds.toFixed(0)} s: longest task ${longestTaskMs} ms, ${over100} over 100 ms, ${mostRows} rows at most`,
    )
    return { figures: { longestTaskMs, tasksOver100Ms: over100, mostRows, seconds }, processes: {} }
  } finally {
    await browser.close()
    await gateway.close()
  }
}

/** @returns the largest number of rows in the DOM at once */
async function scrollToEnd(page: Page): Promise<number> {
  const first = page.getByText('Entry 0', { exact: true })
  let mostRows = 0
  await page.mouse.move(600, 500)
  for (let step = 0; (await first.count()) === 0; step += 1) {
    await page.mouse.wheel(0, stepPx)
    await delay(16)
    if (step % 25 === 0) mostRows = Math.max(mostRows, await page.locator('button[aria-controls^="entry-"]').count())
  }
  return mostRows
}
