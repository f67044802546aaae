/**
 * The page on which services are broken, against the real application: buttons in random order, while people pay. The test compares what
 * the page shows with what it measures itself; afterwards the whole audit finds nothing. BREAK_PRESSES is the number of
 * buttons, by default 20; BREAK_SEED repeats them. Times are compared, so nothing else may run beside it.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SeededRandom } from '../support/seeded-random.ts'
import type { ServiceName } from '../support/streampay-process.ts'
import { auditOf } from './support/audit-of.ts'
import { type Demo, openDemo, type Visit } from './support/demo.ts'

const presses = Number(process.env.BREAK_PRESSES ?? 20)
const seed = process.env.BREAK_SEED ?? String(Date.now())
const random = new SeededRandom(seed)
/** The most that the launcher's times and the page's may differ from those of the test. */
const slackSeconds = 0.2
const backTimeoutMs = 40_000
/** A folder: a picture of the page at the end of the test is kept there. */
const screenshots = process.env.SCREENSHOTS

type Press = {
  readonly button: string
  readonly words: string
  /** Resolves when the test sees that the fault is over; undefined if only the page can tell. */
  readonly over: ((demo: Demo, visit: Visit) => Promise<void>) | undefined
  readonly service: ServiceName
}

const services: readonly { readonly name: ServiceName; readonly label: string }[] = [
  { name: 'broker', label: 'Log' },
  { name: 'payments', label: 'Payments' },
  { name: 'payments-1', label: 'Payments 1' },
  { name: 'gateway', label: 'Gateway' },
  { name: 'simulation', label: 'Simulation' },
]

function choose(demo: Demo): Press {
  const { name, label } = random.pick(services)
  const kind = random.pick(['Kill', 'Kill', 'Restart', 'Pause', 'Cut'] as const)
  if (kind === 'Cut') {
    return {
      button: 'Cut all connections to the log',
      words: 'All connections to the log were cut',
      over: undefined,
      service: 'broker',
    }
  }
  const words = { Kill: 'was killed', Restart: 'was started again', Pause: 'stood still' }[kind]
  const pid = demo.app.pidOf(name)
  return {
    button: `${kind} ${label}`,
    words: `${label} ${words}`,
    service: name,
    over: kind === 'Pause' ? undefined : async () => void (await demo.app.restarted(name, pid, backTimeoutMs)),
  }
}

let demo: Demo
let visit: Visit
beforeAll(async () => {
  demo = await openDemo({ args: ['--slots', '2'] })
  visit = await demo.visit({ width: 1280, height: 900 })
}, 120_000)
afterAll(() => demo?.close(), 60_000)

describe(`${presses} buttons of the break page, seed ${seed}`, () => {
  it(
    'break services that come back, as the page tells, and the books balance',
    async () => {
      const { page } = visit
      // A page that kills the gateway causes refusals in itself.
      visit.answers.mayFail = true
      await visit.signIn(async () => {
        await page.getByRole('button', { name: /^Ada Lovelace/ }).click()
      })
      await visit.open('/break', 'Break it')
      await page.getByText('They balance.').waitFor({ timeout: 60_000 })
      for (let press = 0; press < presses; press += 1) await pressOne(press)
      const books = page.getByRole('region', { name: 'The books' })
      // The text that the page shows instead is part of the failure.
      await expect.poll(() => books.innerText(), { timeout: backTimeoutMs }).toContain('They balance.')
      if (screenshots !== undefined)
        await page.screenshot({ path: join(screenshots, 'break-real.png'), fullPage: true })
      expect(await auditOf(demo)).toContain('INV-3 holds')
    },
    120_000 + presses * 60_000,
  )
})

async function pressOne(number: number): Promise<void> {
  const { page } = visit
  const { button, words, over } = choose(demo)
  const told = `press ${number}: ${button} (seed ${seed})`
  const rows = page
    .getByRole('list')
    .filter({ has: page.getByText('Noticed after') })
    .getByRole('listitem')
  const before = await rows.count()
  await page.getByRole('button', { name: button, exact: true }).click()
  const startedAt = performance.now()
  // The paused gateway serves this page: it continues by itself.
  if (button.startsWith('Pause') && button !== 'Pause Gateway') {
    await page.getByText('Stands still').waitFor()
    await page.getByRole('button', { name: button.replace('Pause', 'Resume'), exact: true }).click()
  }
  await over?.(demo, visit)
  const seconds = (performance.now() - startedAt) / 1_000
  await expect.poll(() => rows.count(), { message: told, timeout: backTimeoutMs }).toBeGreaterThan(Math.min(before, 19))
  const row = rows.first()
  await row.getByText(words).waitFor()
  const facts = () => row.locator('dd').allInnerTexts()
  await expect
    .poll(facts, { message: told, timeout: backTimeoutMs })
    .toEqual([
      expect.stringMatching(/ s$/),
      expect.stringMatching(/ s$/),
      expect.stringMatching(/^\d+ commands?$/),
      '0',
      '0',
    ])
  if (over === undefined) return
  const [, back = ''] = await facts()
  expect(Math.abs(Number.parseFloat(back) - seconds), `${told}: ${back}, measured ${seconds}`).toBeLessThan(
    slackSeconds,
  )
}
