import { describe, expect, it } from 'vitest'
import { useWallets, type WalletOptions } from './support/page-tests.ts'
import { phone } from './support/wallet-driver.ts'

const wallets = useWallets()

async function signIn(options: WalletOptions = {}, path?: string, title?: string) {
  const wallet = await wallets.openWallet(options)
  await wallet.signInAt(path, title)
  return wallet
}

/** The text of each page while every request is answered with status 500. */
const pages = [
  {
    path: '/home',
    title: /^Hi/,
    says: ['Can’t load everybody’s activity', 'Can’t load requests to pay', 'Not available'],
  },
  { path: '/requests', title: 'Requests', says: ['Can’t load requests to pay'] },
  { path: '/requests/sent', title: 'Requests', says: ['Can’t load requests that you made'] },
  {
    path: '/statement',
    title: 'Statement',
    says: ['Can’t load your balance over time', 'Can’t load the figures', 'Can’t load your entries'],
  },
  { path: '/profile', title: 'Profile', says: ['Can’t load your profile'] },
  { path: '/send', title: 'Pay or request', says: ['The directory can’t be reached.'] },
  { path: '/send?request=r0-1', title: 'Pay or request', says: ['That didn’t work'] },
  { path: '/topics', title: 'Topics', says: ['That didn’t work'] },
  { path: '/topics/commands', title: 'commands', says: ['Can’t load the records of this topic'] },
  { path: '/groups', title: 'Consumer groups', says: ['That didn’t work'] },
  { path: '/groups/readers', title: 'readers', says: ['That didn’t work'] },
  { path: '/dead-letters', title: 'Dead letters', says: ['That didn’t work'] },
  { path: '/open-transactions', title: 'Open transactions', says: ['That didn’t work'] },
  { path: '/trace/t1-5', title: 'Follow an id', says: ['That didn’t work'] },
  { path: '/travel/t1-5', title: 'See it travel', says: ['That didn’t work'] },
] as const

describe('a gateway that fails', () => {
  it('is reported on every page, with a button to try again, and not as loading or empty', async () => {
    const wallet = await signIn()
    const { page, main, gateway } = wallet
    gateway.faults.broken = true
    for (const { path, title, says } of pages) {
      await wallet.open(path, title)
      for (const words of says) await main.getByText(words).first().waitFor()
      await main
        .getByRole('button', { name: /^Try again/ })
        .first()
        .waitFor()
      expect(await main.innerText(), path).not.toMatch(
        /\$0\.00|No entries yet|Nothing to pay|Waiting for records|Quiet so far/,
      )
      await expect.poll(() => main.getByText(/^Loading/).count(), { message: path }).toBe(0)
      expect(await page.getByRole('button', { name: 'Save', exact: true }).count(), path).toBe(0)
    }
  }, 60_000)

  it('can be asked again on each page, and everything is shown once it is back', async () => {
    const wallet = await signIn()
    const { main, gateway } = wallet
    const back = [
      { path: '/home', title: /^Hi/, retry: 'Try again to load everybody’s activity', shows: /requested money from/ },
      { path: '/requests', title: 'Requests', retry: 'Try again to load requests to pay', shows: 'Half of the dinner' },
      { path: '/statement', title: 'Statement', retry: 'Try again to load your entries', shows: 'Train tickets' },
      { path: '/profile', title: 'Profile', retry: 'Try again', shows: '@ada' },
      {
        path: '/topics/commands',
        title: 'commands',
        retry: 'Try again to load the records of this topic',
        shows: /^.?person-1.? pays/,
      },
    ] as const
    let pressed = 0
    for (const { path, title, retry, shows } of back) {
      gateway.faults.broken = true
      await wallet.open(path, title)
      const button = main.getByRole('button', { name: retry, exact: true })
      await button.waitFor()
      gateway.faults.broken = false
      // A page that tries again by itself may do so first.
      for (const each of await button.elementHandles()) {
        await each.evaluate((element) => (element as HTMLElement).click())
        pressed += 1
      }
      await main.getByText(shows).first().waitFor()
    }
    expect(pressed).toBeGreaterThan(0)
  }, 60_000)
})

describe('a browser that is offline', () => {
  it('is reported as such, and nothing is shown as live', async () => {
    const wallet = await signIn({ withoutWorkers: true, preloads: true })
    const { page, main, context } = wallet
    await main.getByText('Live', { exact: true }).waitFor()
    // Pages are loaded when the browser is idle; if it goes offline before, they can't be opened.
    const loaded = await page.waitForFunction(() =>
      performance
        .getEntriesByType('resource')
        .map(({ name }) => name)
        .find((name) => /RequestsPage.*\.js$/.test(name)),
    )
    await page.evaluate(`import(${JSON.stringify(await loaded.jsonValue())}).then(() => undefined)`)
    await context.setOffline(true)
    await main.getByText('Not live').waitFor()
    // The page learns of it before the network is cut: requests in between are answered.
    const isAnswered = () =>
      page.evaluate(() => fetch('/config.json', { cache: 'no-store' }).then(Boolean, () => false))
    await expect.poll(isAnswered).toBe(false)
    await page.getByRole('link', { name: /^Requests/ }).click()
    await page.getByRole('link', { name: /^Sent/ }).click()
    await main.getByText('requests that you made will show up here').waitFor()
    await context.setOffline(false)
    await main.getByText('Withdrawn').first().waitFor()
  }, 60_000)
})

describe('an address that asks for what can’t be', () => {
  it.each([
    ['/send?request=unknown', 'Not found'],
    ['/send?to=nobody', 'No such person'],
    ['/send?to=ada', 'That’s you'],
  ])('%s says so and leads on', async (path, words) => {
    const wallet = await signIn({ viewport: phone }, path, 'Pay or request')
    await wallet.main.getByRole('alert').getByText(words).waitFor()
    expect(await wallet.page.getByRole('textbox', { name: 'Amount' }).count()).toBe(0)
    await wallet.main.getByRole('link', { name: 'Choose a person' }).click()
    await wallet.page.getByPlaceholder('Name or username').waitFor()
  })
})

describe('an amount that is pasted', () => {
  it.each([
    ['-5', 'Enter the amount without a minus sign.'],
    ['1e3', 'Enter an amount in dollars, such as 12.50.'],
    ['0x10', 'Enter an amount in dollars, such as 12.50.'],
    ['1,000,000,000,000.00', /^The most that can be sent at once/],
  ])('%s stays as it is and is refused', async (pasted, words) => {
    const wallet = await signIn({}, '/send?to=grace-hopper', 'Pay or request')
    const amount = wallet.page.getByRole('textbox', { name: 'Amount' })
    await amount.focus()
    await wallet.page.keyboard.insertText(pasted)
    await wallet.page.getByRole('alert').getByText(words).waitFor()
    expect(await amount.inputValue()).toBe(pasted)
    await wallet.page.getByRole('button', { name: 'Continue' }).click()
    expect(await wallet.heading('Check and pay').count()).toBe(0)
  })
})

describe('a request that is paid', () => {
  it('is named with its note on the form, the confirmation and the receipt', async () => {
    const wallet = await signIn()
    const { id } = wallet.gateway.ledger.ask('alan-turing', 4_200, { notes: 'Cinema' })
    await wallet.open(`/send?request=${id}`, 'Pay a request')
    await wallet.page.getByRole('button', { name: 'Continue' }).click()
    await wallet.main.getByText(/This settles the request “Cinema”, made/).waitFor()
    await wallet.main.getByText(id, { exact: true }).waitFor()
    await wallet.main.getByRole('button', { name: 'Pay $42.00' }).click()
    await wallet.receipt()
    await wallet.main.getByText('The request “Cinema” is settled.').waitFor()
    await wallet.main.getByText(id, { exact: true }).waitFor()
  })
})

describe('the activity while much happens', () => {
  it('never shows a transparent row, and does not change while it is read', async () => {
    const wallet = await signIn()
    const { page, main, gateway } = wallet
    const rows = page.getByRole('list', { name: /^Activity/ }).getByRole('listitem')
    await rows.first().waitFor()
    const least = page.evaluate(async () => {
      let lowest = 1
      const list = document.querySelector('ol')
      let frames = 0
      await new Promise<void>((resolve) => {
        const frame = () => {
          for (const row of list?.children ?? []) lowest = Math.min(lowest, Number(getComputedStyle(row).opacity))
          frames += 1
          if (frames < 90) requestAnimationFrame(frame)
          else resolve()
        }
        requestAnimationFrame(frame)
      })
      return lowest
    })
    for (let index = 0; index < 30; index += 1) {
      gateway.ledger.act('payment', 'alan-turing', 'grace-hopper', 1_000 + index)
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
    }
    expect(await least).toBe(1)
    await rows.first().getByText('$10.29').waitFor()

    await rows.first().hover()
    // A single step alone would be a pointer that rests where the list appeared.
    await page.mouse.move(400, 600, { steps: 3 })
    await main.getByText('Paused', { exact: true }).waitFor()
    gateway.ledger.act('payment', 'alan-turing', 'grace-hopper', 7_777)
    await main.getByText('Paused, 1 waiting').waitFor()
    expect(await rows.first().innerText()).toContain('$10.29')
    await page.getByRole('heading', { level: 1 }).hover()
    await rows.first().getByText('$77.77').waitFor()

    await page.getByRole('button', { name: 'Pause the activity' }).press('Enter')
    gateway.ledger.act('payment', 'alan-turing', 'grace-hopper', 8_888)
    await main.getByText('Paused, 1 waiting').waitFor()
    await page.getByRole('button', { name: 'Resume the activity' }).press('Enter')
    await rows.first().getByText('$88.88').waitFor()
  }, 60_000)
})
