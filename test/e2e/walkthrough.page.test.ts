/**
 * Walks through the demo in a real browser against the real application: every service as `npm start` starts it, with the simulated people.
 * The steps of one screen build on each other, as those of a person do, and no page is reloaded on the way.
 */
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { formatCents } from '../../apps/ui/src/money/money.ts'
import { type Demo, openDemo, type Visit } from './support/demo.ts'
import { Friend, type PaymentRequest, type User } from './support/friend.ts'
import { inspect } from './support/inspection.ts'
import { screens } from './support/screens.ts'

type Topic = { readonly name: string; readonly partitions: readonly { readonly partition: number }[] }

const stepTimeoutMs = 60_000
const waiting = { timeout: 20_000 }

let demo: Demo
beforeAll(async () => {
  demo = await openDemo()
}, 120_000)
afterAll(() => demo?.close(), 60_000)

describe.each(screens)(
  'on a $screen',
  { timeout: stepTimeoutMs },
  ({ screen, viewport, me, friend: person, colours }) => {
    let visit: Visit
    let friend: Friend
    /** The person in the browser, seen through the API: the pages must show what the ledger says. */
    let mine: Friend

    beforeAll(async () => {
      visit = await demo.visit(viewport)
      friend = new Friend(demo.bank, person)
      mine = new Friend(demo.bank, me)
      await friend.register()
    }, 60_000)
    afterEach(() => {
      expect(visit.faults.splice(0)).toEqual([])
    })
    afterAll(() => visit?.context.close())

    /** Pages with the same layout on all screens are tested on one; accessibility.page.test.ts inspects each page on both. */
    const once = (name: string, step: () => Promise<void>) => {
      if (screen === 'desktop') it(name, step)
    }
    const check = async (name: string) => expect(await inspect(visit.page, `${screen}-${name}`, colours)).toEqual([])
    const navigation = () => visit.page.getByRole('navigation', { name: 'Main' }).filter({ visible: true })
    const navigate = (name: RegExp) => navigation().getByRole('link', { name }).click()
    const activityRows = () => visit.page.getByRole('list', { name: /^Activity/ }).getByRole('listitem')
    const main = () => visit.page.getByRole('main')
    const isStillTheSamePage = () => visit.page.evaluate<boolean>('globalThis.keptSinceSignIn === true')

    async function goHome() {
      await visit.page.getByRole('link', { name: screen === 'phone' ? /^StreamPay, home/ : /^Home/ }).click()
      await visit.heading(/^Hi, /).waitFor()
    }

    /** On phones, pages without a place in the tab bar are in a menu. */
    async function openFromMenu(name: string) {
      await visit.page.getByRole('button', { name: 'Menu' }).click()
      await visit.page.getByRole('menuitem', { name }).click()
    }

    /** The simulated people pay too, so the shown balance is compared with the ledger, not with a number. */
    async function balanceIsTheLedgers() {
      const difference = async () => {
        const shown = (await visit.balance().innerText()).trim()
        const { balance } = await mine.read<{ balance: number }>('/current-balance')
        return shown === formatCents(balance) ? 'none' : `${shown} is shown, ${formatCents(balance)} is there`
      }
      await expect.poll(difference, waiting).toBe('none')
    }

    async function badgeIsTheLedgers() {
      const difference = async () => {
        const shown = await navigation()
          .getByRole('link', { name: /^Requests/ })
          .innerText()
        return Number(/\d+/.exec(shown)?.[0] ?? 0) - (await openRequests()).length
      }
      await expect.poll(difference, waiting).toBe(0)
    }

    function openRequests(): Promise<readonly PaymentRequest[]> {
      return mine.read<PaymentRequest[]>('/payment-requests?status=open')
    }

    async function simulatedPerson(): Promise<User> {
      const found = (await friend.read<{ items: User[] }>('/users?limit=100')).items.find(({ id }) =>
        id.startsWith('virtual-'),
      )
      if (found === undefined) throw new Error('nobody of the simulation is in the directory')
      return found
    }

    it('signs in at the issuer, with a code and PKCE, and comes to the home page', async () => {
      const { page } = visit
      await page.goto(demo.app.origin)
      await visit.heading(/^Pay people/).waitFor()
      await check('landing')
      const authorization = page.waitForRequest((request) => request.url().includes('/identity/auth?'))
      await visit.signIn(async () => {
        await visit.heading('Sign in to StreamPay').waitFor()
        expect(await page.getByRole('switch').isChecked()).toBe(true)
        await check('sign-in')
        if (me.isTyped) {
          await page.getByLabel('Your name').fill(me.name)
          await page.getByRole('button', { name: 'Continue' }).click()
        } else {
          await page.getByRole('button', { name: me.name }).click()
        }
      })
      const query = new URL((await authorization).url()).searchParams
      expect(query.get('response_type')).toBe('code')
      expect(query.get('code_challenge_method')).toBe('S256')
      await visit.heading(`Hi, ${me.name.split(' ')[0]}`).waitFor()
      await page.evaluate('globalThis.keptSinceSignIn = true')
      await balanceIsTheLedgers()
    })

    it('shows earlier public activities, and then new ones, without reloading', async () => {
      const { page } = visit
      await activityRows().first().waitFor()
      const history = await friend.read<{ at: number }[]>('/activities')
      const oldest = await activityRows().last().locator('time').getAttribute('datetime')
      expect(history.map(({ at }) => new Date(at).toISOString())).toContain(oldest)
      const payee = await simulatedPerson()
      await friend.pay(payee.id, 731, 'A book')
      await activityRows()
        .filter({ hasText: `${friend.name} paid ${payee.name}` })
        .filter({ hasText: '$7.31' })
        .waitFor()
      await page.getByText('Live', { exact: true }).waitFor()
      await check('home-first')
      expect(await isStillTheSamePage()).toBe(true)
    })

    it('asks a simulated person for money, who pays promptly, and the balance changes', async () => {
      const { page } = visit
      const debtor = await simulatedPerson()
      // The person who is asked has enough money.
      await friend.pay(debtor.id, 2_000, 'In advance')
      await main().getByRole('link', { name: 'Request', exact: true }).click()
      await visit.heading('Pay or request').waitFor()
      await page.getByPlaceholder('Name or username').fill(debtor.name)
      await main().getByRole('listitem').getByRole('button', { name: debtor.name }).first().waitFor()
      await check('choose')
      const id = await visit.ask({ to: debtor.name, amount: '12.34', note: 'Tickets' })
      expect(id).toMatch(/^r\d+-\d+$/)
      await page.getByRole('link', { name: 'Done' }).click()
      await navigate(/^Requests/)
      await page.getByRole('link', { name: /^Sent/ }).click()
      const request = main().getByRole('listitem').filter({ hasText: debtor.name }).filter({ hasText: '$12.34' })
      await request.getByText('Paid').waitFor()
      const entries = await mine.entriesThat(({ requestId }) => requestId === id)
      expect(entries).toMatchObject([{ amount: 1_234, counterparty: debtor.id }])
      await balanceIsTheLedgers()
      expect(await isStillTheSamePage()).toBe(true)
    })

    it('shows a badge when a person asks for money, pays one request with a receipt, and declines another', async () => {
      const { page } = visit
      await goHome()
      const cinema = await friend.ask(me.id, 505, 'Cinema')
      const taxi = await friend.ask(me.id, 606, 'Taxi')
      await badgeIsTheLedgers()
      expect((await openRequests()).map(({ id }) => id)).toEqual(expect.arrayContaining([cinema, taxi]))
      await navigate(/^Requests/)
      await visit.heading('Requests').waitFor()
      const payButton = page.getByRole('link', { name: `Pay $5.05 to ${friend.name}` })
      await payButton.waitFor()
      await friend.remind(taxi)
      await page.getByText('Reminded you just now').waitFor()
      await check('requests')
      await payButton.click()
      await page.getByText('“Cinema”').waitFor()
      expect(await page.getByRole('textbox', { name: 'Amount' }).inputValue()).toBe('5.05')
      await page.getByRole('button', { name: 'Continue' }).click()
      await visit.heading('Check and pay').waitFor()
      await check('confirm')
      await main().getByRole('button', { name: 'Pay $5.05' }).click()
      const transferId = await visit.receipt()
      await check('receipt')
      await page.getByRole('link', { name: 'Done' }).click()
      await navigate(/^Requests/)
      await page.getByRole('button', { name: `Decline the request of ${friend.name} for $6.06` }).click()
      await page.getByRole('dialog').getByText('Decline this request?').waitFor()
      await check('decline')
      await page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click()
      const history = page.getByRole('region', { name: 'Recently closed' }).getByRole('listitem')
      await history.filter({ hasText: '“Taxi”' }).getByText('Declined').waitFor()
      await history.filter({ hasText: '“Cinema”' }).getByText('Paid').waitFor()
      expect(await page.getByText('“Cinema”').count()).toBe(1)
      const sent = await friend.read<PaymentRequest[]>('/sent-payment-requests')
      expect(sent.find(({ id }) => id === cinema)).toMatchObject({ status: 'paid', transferId })
      expect(sent.find(({ id }) => id === taxi)).toMatchObject({ status: 'declined' })
      await balanceIsTheLedgers()
      await badgeIsTheLedgers()
    })

    once('can’t pay more than the balance, and says so before and after sending', async () => {
      const { page } = visit
      await navigate(/^Pay/)
      await visit.heading('Pay or request').waitFor()
      await page.getByPlaceholder('Name or username').fill(friend.name)
      await main().getByRole('listitem').getByRole('button', { name: friend.name }).first().click()
      const amount = page.getByRole('textbox', { name: 'Amount' })
      await amount.fill('99999')
      await page.getByText(/^You have \$[\d,.]+, which is less than this amount\.$/).waitFor()
      await check('too-much')
      await page.getByRole('button', { name: 'Continue' }).click()
      expect(await visit.heading('Check and pay').count()).toBe(0)

      // The money is spent elsewhere while the confirmation is open: then the ledger refuses.
      const { balance } = await mine.read<{ balance: number }>('/current-balance')
      const half = Math.floor(balance / 2)
      await amount.fill(String(Math.floor(balance / 100)))
      await page.getByRole('button', { name: 'Continue' }).click()
      await visit.heading('Check and pay').waitFor()
      await mine.pay(friend.id, half, 'Spent elsewhere')
      visit.answers.mayFail = true
      await main()
        .getByRole('button', { name: /^Pay \$/ })
        .click()
      await page.getByRole('alert').getByText('Not enough money').waitFor()
      visit.answers.mayFail = false
      await check('refused')
      expect(
        await main()
          .getByRole('button', { name: /^Pay \$/ })
          .isDisabled(),
      ).toBe(true)
      await friend.pay(me.id, half, 'And back again')
      await balanceIsTheLedgers()
    })

    it('shows how the own requests stand, and withdraws one', async () => {
      const { page } = visit
      await goHome()
      await main().getByRole('link', { name: 'Request', exact: true }).click()
      const id = await visit.ask({ to: friend.name, amount: '8.08', note: 'A mistake' })
      await page.getByRole('link', { name: 'Done' }).click()
      await navigate(/^Requests/)
      await page.getByRole('link', { name: /^Sent/ }).click()
      const request = main().getByRole('listitem').filter({ hasText: friend.name }).filter({ hasText: '$8.08' })
      await request.getByText('Waiting').waitFor()
      await check('sent')
      await request.getByRole('button', { name: /^Withdraw/ }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click()
      await request.getByText('Withdrawn').waitFor()
      const openIds = async () =>
        (await friend.read<PaymentRequest[]>('/payment-requests?status=open')).map((open) => open.id)
      await expect.poll(openIds, waiting).not.toContain(id)
    })

    it('pays a person once, even if the button is pressed several times, and shows the transfer’s id', async () => {
      await navigate(/^Pay/)
      await visit.heading('Pay or request').waitFor()
      await visit.prepare({ to: friend.name, amount: '9.09', note: 'Lunch, "quoted"' })
      await main().getByRole('button', { name: 'Pay $9.09' }).dblclick()
      const transferId = await visit.receipt()
      expect(transferId).toMatch(/^t\d+-\d+$/)
      const received = await friend.entriesThat(({ amount }) => amount === 909)
      expect(received).toMatchObject([{ transferId, counterparty: me.id }])
      await visit.page.getByRole('link', { name: 'Done' }).click()
      await activityRows()
        .filter({ hasText: `You paid ${friend.name}` })
        .filter({ hasText: '$9.09' })
        .first()
        .waitFor()
      await balanceIsTheLedgers()
    })

    it('asks for the console’s permission only when the console is opened', async () => {
      const { page } = visit
      const granted = () => page.evaluate<string>('JSON.stringify(localStorage)')
      expect(await granted()).not.toContain('read:console')
      if (screen === 'phone') await openFromMenu('Console')
      else await navigate(/^Console/)
      await visit.heading('One more permission').waitFor()
      await check('permission')
      await page.getByRole('button', { name: 'Ask for it' }).click()
      await visit.heading('Topics').waitFor()
      expect(await granted()).toContain('read:console')
      await page.evaluate('globalThis.keptSinceSignIn = true')
    })

    it('shows the statement: chart, figures and entries, and exports it as CSV', async () => {
      const { page } = visit
      await navigate(/^Statement/)
      await visit.heading('Statement').waitFor()
      const chart = page.getByRole('img', { name: /^Line chart of (all|the last) \d+ balances/ })
      await chart.locator('svg path').first().waitFor({ state: 'attached' })
      const figure = (label: string) => page.locator('dl > div').filter({ hasText: label }).locator('dd').innerText()
      await expect.poll(() => figure('Public payments'), waiting).toMatch(/^[1-9][\d,]*$/)
      await expect.poll(() => figure('Total volume'), waiting).toMatch(/^\$[1-9][\d,]*\.\d\d$/)
      await expect.poll(() => figure('Average payment'), waiting).toMatch(/^\$[1-9][\d,]*\.\d\d$/)
      const lunch = page.getByRole('button', { name: new RegExp(`To ${friend.name}.*Lunch`) })
      await lunch.waitFor()
      await check('statement')
      const transferId = (await mine.entriesThat(({ amount }) => amount === -909))[0]?.transferId ?? 'missing'
      await lunch.click()
      await page.getByText(transferId, { exact: true }).waitFor()

      const download = async (name: string) => {
        const file = page.waitForEvent('download')
        await page.getByRole('button', { name: 'Download' }).click()
        await page.getByRole('menuitem', { name }).click()
        return file
      }
      const table = await readFile(await (await download('Table (CSV) of these months')).path(), 'utf8')
      expect(table.startsWith('\uFEFF"Time (UTC)"')).toBe(true)
      const lunchRow = table.split('\r\n').find((line) => line.includes(`"${transferId}"`))
      expect(lunchRow).toMatch(
        new RegExp(
          `^"[\\dT:.-]+Z","Payment","${friend.name}","${friend.id}",-9\\.09,\\d+\\.\\d\\d,"Lunch, ""quoted"""`,
        ),
      )
      const file = await download('Raw data (CSV), for programs')
      const [header, ...lines] = (await readFile(await file.path(), 'utf8')).trimEnd().split('\r\n')
      expect(header).toBe('at,transferId,kind,counterparty,amount,requestId,notes,visibility')
      const lunchLine = new RegExp(`^[^,]+,${transferId},payment,${friend.id},-909,,"Lunch, ""quoted""",$`)
      expect(lines.filter((line) => line.includes(`,${transferId},`))).toEqual([expect.stringMatching(lunchLine)])
      const known = (await mine.entries()).map((entry) => entry.transferId)
      expect(known).toEqual(expect.arrayContaining(lines.map((line) => line.split(',')[1])))
      expect(lines[0]).toContain(`,opening:${me.id},opening,`)
    })

    once('sees how a payment travelled, each step at its own time', async () => {
      const { page } = visit
      await page.getByRole('link', { name: 'See it travel' }).click()
      await visit.heading('See it travel').waitFor()
      const steps = page.getByRole('list', { name: 'Step by step' }).getByRole('listitem')
      for (const step of [
        'Gateway · Checks the command',
        'Payments · Reads the command',
        'Live views · The new balance',
      ]) {
        await steps.filter({ hasText: step }).first().waitFor()
      }
      await check('travel')
    })

    once('follows a payment through the log', async () => {
      const { page } = visit
      await page.getByRole('link', { name: 'Its records on the log' }).click()
      await visit.heading('Follow an id').waitFor()
      for (const topic of ['commands', 'replies', 'transactions', 'balances', 'activities']) {
        await page
          .getByRole('listitem')
          .getByRole('button', { name: new RegExp(`^${topic} `) })
          .first()
          .waitFor()
      }
      await check('trace')
    })

    it('changes the own name, which others then see', async () => {
      const { page } = visit
      if (screen === 'phone') await openFromMenu('Profile')
      else await page.getByRole('link', { name: /your profile/ }).click()
      await visit.heading('Profile').waitFor()
      await page.getByLabel('Name', { exact: true }).fill(`${me.name} King`)
      await page.getByLabel('Username', { exact: true }).fill(`${me.id}.king`)
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText('Saved.').waitFor()
      await check('profile')
      await expect
        .poll(() => friend.read<{ items: User[] }>(`/users?search=${me.id}.king`), waiting)
        .toEqual({ items: [{ id: me.id, name: `${me.name} King`, username: `${me.id}.king` }] })
    })

    it('lists the topics with partitions, offsets and configuration', async () => {
      const { page } = visit
      if (screen === 'phone') await openFromMenu('Console')
      else await navigate(/^Console/)
      await visit.heading('Topics').waitFor()
      await page.getByRole('link', { name: 'payment-requests' }).waitFor()
      await check('topics')
      await page.getByRole('link', { name: 'commands', exact: true }).click()
      await visit.heading('commands').waitFor()
      await page.getByRole('button', { name: 'Partitions and configuration' }).click()
      const topics = await mine.read<Topic[]>('/console/topics')
      const commands = topics.find(({ name }) => name === 'commands')
      await expect
        .poll(() => page.getByRole('table').getByRole('rowheader').allInnerTexts(), waiting)
        .toEqual(commands?.partitions.map(({ partition }) => String(partition)))
      await main().getByText('Records are kept for 7 days.').waitFor()
      await main()
        .getByText(/^All \d+ settings/)
        .click()
      await main().getByText('cleanup.policy', { exact: true }).waitFor()
      await check('topic-setup')
      await page.getByRole('button', { name: 'Records', exact: true }).click()
    })

    once('shows the records of a topic as they come, with headers and JSON; pauses, goes on and filters', async () => {
      const { page } = visit
      const rows = page.getByRole('table', { name: /^Records/ }).locator('tbody tr')
      await main().getByRole('status').getByText('Live').waitFor()
      await friend.pay(me.id, 111, 'Seen on the log')
      const record = rows.filter({ hasText: 'Seen on the log' })
      await record.filter({ hasText: 'pays' }).filter({ hasText: '$1.11' }).waitFor()
      await check('records')
      await record.getByRole('button', { name: /^Open record/ }).click()
      const detail = page.getByRole('dialog')
      await detail.getByText('zilla:correlation-id').waitFor()
      await detail.getByText('"Seen on the log"').waitFor()
      expect(await detail.innerText()).not.toMatch(/authorization|bearer/i)
      await check('record')
      await page.keyboard.press('Escape')
      await detail.waitFor({ state: 'detached' })

      await page.getByRole('button', { name: 'Pause' }).click()
      await friend.pay(me.id, 112, 'While paused')
      await main()
        .getByText(/[1-9]\d* waiting/)
        .waitFor()
      expect(await rows.filter({ hasText: 'While paused' }).count()).toBe(0)
      await page.getByRole('button', { name: 'Resume' }).click()
      await rows.filter({ hasText: 'While paused' }).waitFor()
      await page.getByRole('searchbox', { name: 'Filter records' }).fill('While paused')
      await expect.poll(() => rows.count(), waiting).toBe(1)
    })

    once('reads a topic from the beginning, from an offset and from a time', async () => {
      const { page } = visit
      const rows = page.getByRole('table', { name: /^Records/ }).locator('tbody tr')
      const positions = async () =>
        (await rows.getByRole('button').allInnerTexts()).map((text) => Number(text.trim().split(':')[1]))
      const filter = page.getByRole('searchbox', { name: 'Filter records' })
      const start = page.getByLabel('Start from')

      await page.getByLabel('Search in').selectOption('key')
      await filter.fill(me.id)
      await start.selectOption('beginning')
      await rows.filter({ hasText: '$12.34' }).waitFor()
      const fromBeginning = await positions()
      expect(fromBeginning.length).toBeGreaterThan(5)
      const [newest, oldest] = [Math.max(...fromBeginning), Math.min(...fromBeginning)]
      expect(newest).toBeGreaterThan(oldest)

      await start.selectOption('offset')
      await page.getByLabel('Offset').fill(String(newest))
      await page.getByRole('button', { name: 'Read' }).click()
      await expect.poll(async () => Math.min(...(await positions())), waiting).toBe(newest)

      await start.selectOption('time')
      await page.getByLabel('Time', { exact: true }).fill('2020-01-01T00:00')
      await page.getByRole('button', { name: 'Read' }).click()
      await expect.poll(async () => Math.min(...(await positions())), waiting).toBe(oldest)
      expect(await isStillTheSamePage()).toBe(true)
    })

    once('tells when the gateway is gone, and goes on by itself when it is back', async () => {
      const { page } = visit
      await goHome()
      await activityRows().first().waitFor()
      visit.answers.mayFail = true
      const pid = demo.app.pidOf('gateway')
      process.kill(pid, 'SIGKILL')
      await page.getByText('Reconnecting…').waitFor()
      await demo.app.restarted('gateway', pid, 40_000)
      await page.getByText('Reconnecting…').waitFor({ state: 'detached', timeout: 40_000 })
      visit.answers.mayFail = false
      await friend.pay(me.id, 222, 'After the outage')
      await activityRows()
        .filter({ hasText: `${friend.name} paid you` })
        .filter({ hasText: '$2.22' })
        .waitFor()
      await balanceIsTheLedgers()
      await friend.ask(me.id, 1_850, 'Dinner')
      await page.getByRole('link', { name: /Dinner/ }).waitFor()
      await badgeIsTheLedgers()
      await check('home')
      await visit.context.setOffline(true)
      await page.getByText('You are offline').waitFor()
      await check('offline')
      await visit.context.setOffline(false)
      await page.getByText('You are offline').waitFor({ state: 'detached' })
      await page.getByText('Reconnecting…').waitFor({ state: 'detached' })
      expect(await isStillTheSamePage()).toBe(true)
    })

    it('signs out, here and at the issuer', async () => {
      const { page } = visit
      if (screen === 'phone') await openFromMenu('Sign out')
      else await page.getByRole('button', { name: 'Sign out' }).click()
      await visit.heading(/^Pay people/).waitFor()
      for (const storage of ['sessionStorage', 'localStorage'])
        expect(await page.evaluate<string>(`JSON.stringify(${storage})`)).not.toContain('access_token')
      await page.goto(`${demo.app.origin}/statement`)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await visit.heading('Sign in to StreamPay').waitFor()
    })
  },
)
