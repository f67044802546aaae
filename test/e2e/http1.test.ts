/** The wallet over HTTP/1.1 alone, as behind many proxies: a browser has six connections for all its tabs. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { http1Only } from '../../apps/ui/test/support/browser.ts'
import { driveWallet } from '../../apps/ui/test/support/wallet-driver.ts'
import { type Demo, openDemo } from './support/demo.ts'
import { Friend } from './support/friend.ts'

let demo: Demo
beforeAll(async () => {
  demo = await openDemo({ browserArguments: http1Only })
}, 120_000)
afterAll(() => demo?.close(), 60_000)

// The statement page took all six connections with a stream for each view: chart, CSV and the second tab hung.
it('shows statement and chart in two tabs, live, pays, and gives the statement away', {
  timeout: 120_000,
}, async () => {
  const visit = await demo.visit({ width: 1280, height: 800 })
  const friend = new Friend(demo.bank, { id: 'alan', name: 'Alan Turing' })
  await friend.register()
  await visit.signIn(async () => {
    await visit.page.getByLabel('Your name').fill('Rosa Old')
    await visit.page.keyboard.press('Enter')
  })
  const protocols = () =>
    visit.page.evaluate<string[]>(
      `performance.getEntriesByType('resource').map(({ nextHopProtocol }) => nextHopProtocol)`,
    )
  const second = driveWallet(await visit.context.newPage(), demo.app.origin)
  for (const tab of [visit, second]) {
    await tab.open('/statement', 'Statement')
    await tab.page.getByRole('img', { name: /^Line chart/ }).waitFor()
    await tab.balance().getByText('$').waitFor()
  }
  expect(new Set(await protocols())).toContain('http/1.1')
  expect(new Set(await protocols())).not.toContain('h2')

  await friend.pay('rosa-old', 1_717, 'Seen in both')
  for (const tab of [visit, second]) await tab.page.getByText('Seen in both').first().waitFor()

  const file = second.page.waitForEvent('download')
  await second.page.getByRole('button', { name: 'Download' }).click()
  await second.page.getByRole('menuitem', { name: 'Table (CSV) of these months' }).click()
  expect(await readFile(await (await file).path(), 'utf8')).toContain('"Seen in both"')

  await visit.open('/send', 'Pay or request')
  const transferId = await visit.pay({ to: 'Alan Turing', amount: '3.33' })
  expect(await friend.entriesThat(({ amount }) => amount === 333)).toMatchObject([{ transferId }])
  await second.page.getByText('To Alan Turing').first().waitFor()

  // The gateway ends and comes back: each tab gets the events of that time once.
  visit.answers.mayFail = true
  const third = driveWallet(await visit.context.newPage(), demo.app.origin)
  await third.open('/statement', 'Statement')
  await third.page.getByRole('img', { name: /^Line chart/ }).waitFor()
  await visit.page.close()
  const pid = demo.app.pidOf('gateway')
  process.kill(pid, 'SIGKILL')
  await demo.app.restarted('gateway', pid, 40_000)
  for (const n of [1, 2, 3]) await friend.pay('rosa-old', 100 + n, `Meanwhile ${n}`)
  for (const { page, main } of [second, third]) {
    for (const n of [1, 2, 3]) {
      await main.getByText(`Meanwhile ${n}`).first().waitFor()
      expect(await main.getByText(`Meanwhile ${n}`).count()).toBe(1)
    }
    await page.getByText('Reconnecting…').waitFor({ state: 'hidden' })
  }
  expect(visit.faults).toEqual([])
  await visit.context.close()
})
