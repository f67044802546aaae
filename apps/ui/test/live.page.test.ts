/** Live pages over connections that are few, hidden, silent or refused. */
import { describe, expect, it } from 'vitest'
import { http1Only } from './support/browser.ts'
import { cut } from './support/mock-http.ts'
import { useWallets, type Wallet } from './support/page-tests.ts'
import { driveWallet } from './support/wallet-driver.ts'

const wallets = useWallets({ browserArguments: http1Only })

const timeout = 60_000

/** The number of further tabs of the same person. */
async function moreTabs({ context, gateway }: Wallet, count: number) {
  const pages = await Promise.all(Array.from({ length: count }, () => context.newPage()))
  return pages.map((page) => driveWallet(page, gateway.origin))
}

describe('the tabs of a person, over HTTP/1.1', { timeout }, () => {
  it('share one connection, and everything else goes on', async () => {
    const wallet = await wallets.openWallet()
    const { context, gateway } = wallet
    await wallet.signInAt()
    const tabs = [wallet, ...(await moreTabs(wallet, 2))]
    for (const tab of tabs) {
      await tab.open('/statement', 'Statement')
      await tab.page.getByRole('img', { name: /^Line chart/ }).waitFor()
    }
    await expect.poll(() => gateway.streams.size).toBe(1)
    await tabs[2]?.open('/send?to=grace-hopper', 'Pay or request')
    await tabs[2]?.pay({ amount: '5' })
    for (const tab of tabs) await tab.balance().getByText('$1,614.70').waitFor()
    await expect.poll(() => gateway.streams.size).toBe(1)
    // A person in another browser has another connection.
    const other = await context.browser()?.newContext({ ignoreHTTPSErrors: true })
    if (other === undefined) throw new Error('no browser')
    await driveWallet(await other.newPage(), gateway.origin).signIn()
    await expect.poll(() => gateway.streams.size).toBe(2)
    await other.close()
    await context.close()
    await expect.poll(() => gateway.streams.size).toBe(0)
  })

  it('go on when the first is closed, and show each payment once after the connection broke', async () => {
    const wallet = await wallets.openWallet()
    const { gateway } = wallet
    await wallet.signInAt()
    const others = await moreTabs(wallet, 2)
    for (const tab of others) await tab.open('/statement', 'Statement')
    await wallet.page.close()
    gateway.ledger.move('grace-hopper', 100, { notes: 'After the first' })
    for (const { main } of others) await main.getByText('After the first').waitFor()
    gateway.faults.streamsDown = true
    for (const stream of gateway.streams) cut(stream)
    for (const { page } of others) await page.getByText('Reconnecting…').waitFor()
    for (const n of [1, 2, 3]) gateway.ledger.move('grace-hopper', 100, { notes: `Meanwhile ${n}` })
    delete gateway.faults.streamsDown
    for (const { page, main } of others) {
      await main.getByText('Meanwhile 3').waitFor()
      await page.getByText('Reconnecting…').waitFor({ state: 'hidden' })
      for (const n of [1, 2, 3]) expect(await main.getByText(`Meanwhile ${n}`).count()).toBe(1)
    }
    expect(gateway.streams.size).toBe(1)
  })

  it('have a connection each after their worker has died', async () => {
    const wallet = await wallets.openWallet()
    const { context, gateway } = wallet
    await wallet.signInAt()
    const tabs = [wallet, ...(await moreTabs(wallet, 1))]
    for (const tab of tabs) await tab.open('/statement', 'Statement')
    await expect.poll(() => gateway.streams.size).toBe(1)
    const browser = await context.browser()?.newBrowserCDPSession()
    const { targetInfos } = (await browser?.send('Target.getTargets', { filter: [{ type: 'shared_worker' }] })) ?? {}
    const worker = targetInfos?.find(({ url }) => url.startsWith(gateway.origin))
    if (worker === undefined) throw new Error('there is no shared worker')
    await browser?.send('Target.closeTarget', { targetId: worker.targetId })
    await expect.poll(() => gateway.streams.size).toBe(2)
    gateway.ledger.move('grace-hopper', 100, { notes: 'On their own' })
    for (const { main } of tabs) {
      await main.getByText('On their own').waitFor()
      expect(await main.getByText('On their own').count()).toBe(1)
    }
  })

  it('have a connection each where there are no workers that tabs can share', async () => {
    const wallet = await wallets.openWallet({ withoutWorkers: true })
    await wallet.signInAt()
    const [second] = await moreTabs(wallet, 1)
    await second?.open('/statement', 'Statement')
    await second?.balance().getByText('$1,619.70').waitFor()
    await expect.poll(() => wallet.gateway.streams.size).toBe(2)
  })
})

describe('a stream', { timeout }, () => {
  it('that is one too many is told as such, and comes when the pause is over', async () => {
    const wallet = await wallets.openWallet()
    await wallet.signInAt()
    const { page, gateway, main } = wallet
    gateway.faults.tooManyStreams = 5
    await page.goto(`${gateway.origin}/requests`)
    await main
      .getByText(/More pages of StreamPay are open for you than may be live at once/)
      .first()
      .waitFor()
    await page
      .getByText(/tries again at \d/)
      .first()
      .waitFor()
    expect(await main.getByText('doesn’t answer as it should').count()).toBe(0)
    delete gateway.faults.tooManyStreams
    await main.getByText('Half of the dinner').waitFor()
  })

  it('of a session that has ended is told as such, and not as a lacking permission', async () => {
    const wallet = await wallets.openWallet()
    await wallet.signInAt()
    const { page, gateway, main } = wallet
    gateway.faults.sessionOver = true
    await page.goto(`${gateway.origin}/statement`)
    await page.getByText('Your session has ended. What you see may be out of date.').waitFor()
    await main
      .getByText(/Your session has ended. Sign in again to see/)
      .first()
      .waitFor()
    expect(await main.getByText(/permission/).count()).toBe(0)
    delete gateway.faults.sessionOver
    await page.getByRole('button', { name: 'Sign in again' }).first().click()
    await wallet.heading('Statement').waitFor()
    await main.getByText('Train tickets').first().waitFor()
  })

  it('of a hidden page is closed, and nothing is missing when the page is shown again', async () => {
    const wallet = await wallets.openWallet({ withoutWorkers: true })
    // The test moves the page's own clock, so that it does not wait for half a minute.
    await wallet.page.clock.install()
    await wallet.signInAt()
    const { page, gateway, main } = wallet
    await page.getByRole('link', { name: /^Statement/ }).click()
    await wallet.heading('Statement').waitFor()
    await page.clock.runFor(2_000)
    await page.getByText('Train tickets').first().waitFor()
    const hide = (hidden: boolean) =>
      page.evaluate(`(() => {
        Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      })()`)
    await hide(true)
    await page.clock.runFor(21_000)
    await expect.poll(() => gateway.streams.size).toBe(0)
    for (let n = 0; n < 70; n += 1) gateway.ledger.move('grace-hopper', 100, { notes: `While away ${n}` })
    await hide(false)
    await expect.poll(() => gateway.streams.size).toBe(1)
    await page.clock.runFor(1_000)
    await wallet.balance().getByText('$1,689.70').waitFor()
    await main.getByText('While away 69').waitFor()
    await page.getByRole('button', { name: 'Show older entries' }).click()
    await main.getByText('While away 0', { exact: false }).last().waitFor()
  })
})
