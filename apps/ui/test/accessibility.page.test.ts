import type { Fault } from '@streampay/domain'
import { expect, it } from 'vitest'
import { changeLook } from './support/looks.ts'
import type { MockGateway } from './support/mock-gateway.ts'
import { pageFaults } from './support/page-faults.ts'
import { keepPicture, useWallets } from './support/page-tests.ts'
import { desktop, phone, type WalletDriver } from './support/wallet-driver.ts'

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

function fault(fields: Partial<Fault>): Fault {
  return {
    id: 1,
    at: Date.now(),
    service: 'payments',
    what: 'kill',
    noticedAfterMs: undefined,
    backAfterMs: undefined,
    waited: 3,
    lost: 0,
    doubled: 0,
    ...fields,
  }
}

type Wallet = WalletDriver & { readonly gateway: MockGateway }
type State = { readonly name: string; readonly show: (wallet: Wallet) => Promise<void> }

const states: readonly State[] = [
  {
    name: 'home',
    show: ({ open, page }) => open('/home', /^Hi/).then(() => page.getByRole('list', { name: /^Activity/ }).waitFor()),
  },
  {
    name: 'choosing a person',
    show: async ({ open, page, gateway }) => {
      gateway.ledger.favour('grace-hopper')
      await open('/send', 'Pay or request')
      await page.getByRole('list', { name: 'Favourites' }).getByText('@grace-hopper').waitFor()
    },
  },
  {
    name: 'a pay link',
    show: ({ open, page }) =>
      open('/pay/grace-hopper?amount=12.50&note=Lunch', 'Pay or request').then(() =>
        page.getByRole('button', { name: 'Favourite: Grace Hopper', pressed: true }).waitFor(),
      ),
  },
  {
    name: 'a pay link that can’t be used',
    show: ({ open, page }) =>
      open('/pay/grace-hopper?amount=x', 'Pay or request').then(() => page.getByText('can’t be used').waitFor()),
  },
  {
    name: 'an amount beyond the balance',
    show: ({ open, page }) =>
      open('/send?to=grace-hopper', 'Pay or request').then(() =>
        page.getByRole('textbox', { name: 'Amount' }).fill('999999'),
      ),
  },
  {
    name: 'confirming',
    show: async ({ open, prepare }) => {
      await open('/send?to=grace-hopper', 'Pay or request')
      await prepare({ amount: '24.50', note: 'Lunch' })
    },
  },
  {
    name: 'a receipt',
    show: async ({ open, pay }) => {
      await open('/send?to=grace-hopper', 'Pay or request')
      await pay({ amount: '1' })
    },
  },
  {
    name: 'a request that waits, and news beside it',
    show: async ({ open, ask, page, gateway }) => {
      await open('/send?to=grace-hopper&mode=request', 'Pay or request')
      await ask({ amount: '12' })
      gateway.ledger.move('alan-turing', 1_250, { notes: 'Lunch' })
      await page.getByText(/paid you \$12\.50$/).waitFor()
      await page.getByRole('button', { name: 'Close this note' }).waitFor()
    },
  },
  {
    name: 'a request to me',
    show: async ({ open, page, gateway }) => {
      await open(`/requests/${gateway.ledger.incoming.find(({ status }) => status === 'open')?.id}`, 'Request')
      await page.getByText('Grace Hopper asked you for').waitFor()
    },
  },
  {
    name: 'a payment that is not there',
    show: ({ open, page }) => open('/payments/t9-9', 'Payment').then(() => page.getByText('No such payment').waitFor()),
  },
  {
    name: 'a refusal',
    show: async ({ open, prepare, main, page }) => {
      await open('/send?to=tony-hoare', 'Pay or request')
      await prepare({ amount: '1' })
      await main.getByRole('button', { name: /^Pay/ }).click()
      await page.getByText('No such person').waitFor()
    },
  },
  {
    name: 'settling a private request',
    show: async ({ open, page, gateway }) => {
      const { id } = gateway.ledger.ask('alan-turing', 4_200, { visibility: 'private' })
      await open(`/send?request=${id}`, 'Pay a request')
      await page.getByText('The request is private, so its payment is, too').waitFor()
    },
  },
  {
    name: 'the receipt of a private payment',
    show: async ({ open, page, pay, gateway }) => {
      gateway.ledger.prefer('private')
      await open('/send?to=alan-turing', 'Pay or request')
      await pay({ amount: '2' })
      await page.getByText('Only the two of you').waitFor()
      gateway.ledger.prefer('public')
    },
  },
  {
    name: 'requests to pay',
    show: ({ open, page }) => open('/requests', 'Requests').then(() => page.getByText('Half of the dinner').waitFor()),
  },
  {
    name: 'declining',
    show: async ({ open, page }) => {
      await open('/requests', 'Requests')
      await page.getByRole('button', { name: /^Decline the request of Grace/ }).click()
      await settled(page.getByRole('dialog'))
    },
  },
  {
    name: 'requests that I made',
    show: async ({ open, page, gateway }) => {
      gateway.ledger.remind(gateway.ledger.sent[0]?.id ?? '')
      gateway.ledger.ask('ada', 500, { debtor: 'grace-hopper' })
      await open('/requests/sent', 'Requests')
      await page.getByText('Reminded just now').waitFor()
      await page.getByRole('button', { name: 'Remind Grace Hopper of $5.00' }).waitFor()
    },
  },
  {
    name: 'the statement',
    show: async ({ open, page }) => {
      await open('/statement', 'Statement')
      await page.getByText('Train tickets').first().waitFor()
      await page.getByRole('img', { name: /^Line chart/ }).waitFor()
    },
  },
  {
    name: 'all months of the statement, searched in vain',
    show: async ({ open, page }) => {
      await open('/statement', 'Statement')
      await page.getByRole('button', { name: 'All', exact: true }).click()
      await page.getByRole('button', { name: /^Show all \d+ people/ }).click()
      await page.getByRole('searchbox', { name: 'Search entries' }).fill('nothing like it')
      await page.getByText('Nothing matches').waitFor()
    },
  },
  {
    name: 'the balance as a table',
    show: async ({ open, page }) => {
      await open('/statement', 'Statement')
      await page.getByRole('button', { name: 'Show as table' }).click()
      await page.getByRole('table').waitFor()
    },
  },
  {
    name: 'the profile',
    show: ({ open, page }) =>
      open('/profile', 'Profile').then(() => page.getByRole('img', { name: 'QR code of your pay link' }).waitFor()),
  },
  {
    name: 'blocking somebody',
    show: async ({ open, page }) => {
      await open('/requests', 'Requests')
      await page.getByRole('button', { name: 'Block Grace Hopper' }).click()
      await settled(page.getByRole('dialog'))
    },
  },
  {
    name: 'somebody blocked',
    show: async ({ open, page, gateway }) => {
      gateway.ledger.block('grace-hopper')
      await open('/profile', 'Profile')
      await page.getByRole('button', { name: 'Unblock Grace Hopper' }).waitFor()
      await page.getByRole('button', { name: 'Remove Grace Hopper' }).waitFor()
    },
  },
  {
    name: 'somebody who is called like the system',
    show: async ({ open, page, gateway }) => {
      gateway.ledger.users.push({ id: 'impostor', name: 'StreamPay', username: 'streampay-team' })
      gateway.ledger.ask('impostor', 4_900, { notes: 'Verification fee' })
      await open('/requests', 'Requests')
      await page.getByText('This is not StreamPay').waitFor()
    },
  },
  {
    name: 'an earlier payment without an answer',
    show: async ({ open, page, main, prepare, gateway }) => {
      await open('/send?to=alan-turing', 'Pay or request')
      await prepare({ amount: '12' })
      gateway.faults.command = 'dropped'
      await main.getByRole('button', { name: 'Pay $12.00' }).click()
      await page.getByText('No answer yet').waitFor()
      await open('/send?to=alan-turing', 'Pay or request')
      await prepare({ amount: '12' })
      await page.getByText('An earlier payment has no answer yet').waitFor()
    },
  },
  {
    name: 'a payment that had gone through already',
    show: async ({ page, main, gateway }) => {
      // The command is taken although the answer is lost: when it is repeated, the answer is that of the first time.
      gateway.faults.command = 'replay'
      await main.getByRole('button', { name: 'Finish the earlier one' }).click()
      await page.getByText('This had gone through already').waitFor()
    },
  },
  {
    name: 'the tour',
    show: async ({ page, gateway }) => {
      await page.goto(`${gateway.origin}/home?tour`)
      await page.getByText('Ask somebody for money').waitFor()
      await page.getByRole('button', { name: 'Ask', exact: true }).click()
      await page.getByText('No virtual people are here').waitFor()
      await keepPicture({ page }, 'tour')
      await page.getByRole('button', { name: 'End the tour' }).waitFor()
    },
  },
  {
    name: 'the page on which things are broken',
    show: async ({ open, page, gateway }) => {
      await page.getByRole('button', { name: 'End the tour' }).click()
      gateway.control.faults = [
        fault({ id: 1, what: 'kill', service: 'payments', noticedAfterMs: 12, backAfterMs: 1_310 }),
      ]
      await open('/break', 'Break it')
      await page.getByText('Payments was killed').waitFor()
    },
  },
  {
    name: 'books that do not balance, and a service that stands still',
    show: async ({ open, page, gateway }) => {
      const { control } = gateway
      const finding = { invariant: 'INV-3', message: 'transfer t0-1 has one more entry' }
      if (control.books !== undefined)
        control.books = {
          ...control.books,
          violations: { ...control.books.violations, 'INV-3': 1 },
          findings: [finding],
        }
      const resumesAt = Date.now() + 9_000
      control.services = control.services.map((one) => ({ ...one, state: 'paused', resumesAt }))
      await open('/break', 'Break it')
      await page.getByText('They do not balance.').waitFor()
    },
  },
  {
    name: 'too many pages at once',
    show: async ({ page, gateway }) => {
      gateway.faults.tooManyStreams = 60
      await page.goto(`${gateway.origin}/requests`)
      await page
        .getByText(/may be live at once/)
        .first()
        .waitFor()
      delete gateway.faults.tooManyStreams
    },
  },
  {
    name: 'topics',
    show: ({ open, page }) =>
      open('/topics', 'Topics').then(() => page.getByRole('link', { name: 'commands' }).waitFor()),
  },
  { name: 'records', show: showRecords },
  {
    name: 'one record',
    show: async (wallet) => {
      await showRecords(wallet)
      await wallet.page.getByRole('button', { name: 'Open record 1:5', exact: true }).click()
      await settled(wallet.page.getByRole('dialog'))
    },
  },
  {
    name: 'bytes of a record, and what it changed',
    show: async ({ open, page }) => {
      await open('/topics/balances?record=1:13', 'balances')
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('button', { name: 'Hex' }).click()
      await dialog.getByRole('button', { name: 'Compare with the version before' }).click()
      await dialog.getByRole('table').waitFor()
      await settled(dialog)
    },
  },
  {
    name: 'an expression with a mistake, and the help beside it',
    show: async ({ open, page }) => {
      await open('/topics/commands?in=expression&q=amount+%3E+1', 'commands')
      await page.getByText('At character 1: Unknown variable: amount').waitFor()
      await page.getByText('What an expression can be').click()
      await page.getByText('Examples').waitFor()
    },
  },
  {
    name: 'partitions and configuration',
    show: async ({ open, page }) => {
      await open('/topics/balances?tab=setup', 'balances')
      await page.getByText(/^All \d+ settings/).click()
      await page.getByText('delete.retention.ms', { exact: true }).last().waitFor()
    },
  },
  {
    name: 'consumer groups',
    show: ({ open, page }) => open('/groups', 'Consumer groups').then(() => page.getByText('a-newer-kind').waitFor()),
  },
  {
    name: 'a consumer group',
    show: ({ open, page }) =>
      open('/groups/streampay-payments', 'streampay-payments').then(() => page.getByText('commands 1').waitFor()),
  },
  {
    name: 'open transactions',
    show: ({ open, page }) =>
      open('/open-transactions', 'Open transactions').then(() => page.getByText('Not told by this log').waitFor()),
  },
  {
    name: 'dead letters',
    show: ({ open, page }) =>
      open('/dead-letters', 'Dead letters').then(() => page.getByText('TypeError: boom is not a function').waitFor()),
  },
  {
    name: 'a dead letter',
    show: async ({ open, page }) => {
      await open('/dead-letters?letter=1/29', 'Dead letters')
      const dialog = page.getByRole('dialog')
      await dialog.getByText('Writing needs a permission more').waitFor()
      await settled(dialog)
    },
  },
  {
    name: 'a record by hand',
    show: async ({ open, page }) => {
      await open('/topics/commands?tab=write', 'commands')
      await page.getByRole('button', { name: 'Ask for it' }).click()
      await page.getByLabel('Headers, one a line').fill('no header')
      await page.getByText('Line 1 is not of the form').waitFor()
    },
  },
  {
    name: 'a dead letter that is to be put back',
    show: async ({ open, page }) => {
      await open('/dead-letters?letter=1/29', 'Dead letters')
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('button', { name: 'Put it back…' }).click()
      await dialog.getByText('Look first').waitFor()
      await settled(dialog)
    },
  },
  {
    name: 'the command palette',
    show: async ({ open, page }) => {
      await open('/home', /^Hi/)
      await page.getByRole('button', { name: 'Go to…' }).filter({ visible: true }).click()
      await page.getByRole('combobox').fill('co')
      await page.getByRole('option', { name: 'commands', exact: true }).waitFor()
      await settled(page.getByRole('dialog'))
    },
  },
  {
    name: 'a command followed',
    show: ({ open, page }) =>
      open('/trace/t1-5', 'Follow an id').then(() =>
        page
          .getByRole('button', { name: /^replies/ })
          .first()
          .waitFor(),
      ),
  },
  {
    name: 'the way of a payment',
    show: ({ open, page }) =>
      open('/travel/t1-5', 'See it travel').then(() => page.getByRole('list', { name: 'Step by step' }).waitFor()),
  },
  {
    name: 'a payment whose times are not known',
    show: ({ open, page }) =>
      open('/travel/t1-6', 'See it travel').then(() => page.getByText('Its times are not known').waitFor()),
  },
  { name: 'no such page', show: ({ open }) => open('/nowhere/at/all', /isn’t on the ledger/) },
]

async function showRecords({ open, page }: WalletDriver) {
  await open('/topics/commands', 'commands')
  await page.getByLabel('Start from').selectOption('beginning')
  await page.getByRole('button', { name: 'Open record 1:5', exact: true }).waitFor()
}

/** Dialogs fade in; their colours are final only after that. */
async function settled(dialog: ReturnType<WalletDriver['page']['getByRole']>) {
  await dialog.waitFor()
  await dialog.evaluate((element) =>
    Promise.all(element.getAnimations({ subtree: true }).map(({ finished }) => finished)),
  )
}

/** Every state is shown once, and inspected in both: the layout follows the width, and the colours follow the system. */
const looks = [
  { name: 'light, on a phone', colours: 'light', viewport: phone },
  { name: 'dark, on a desktop', colours: 'dark', viewport: desktop },
] as const
/** walkthrough.page.test.ts has these two of most pages; here they are for what everybody sees first. */
const otherLooks = [
  { name: 'light, on a desktop', colours: 'light', viewport: desktop },
  { name: 'dark, on a phone', colours: 'dark', viewport: phone },
] as const

const wallets = useWallets()

it('has no violation of WCAG 2.2 AA on any page, scrolls only downwards, and loads nothing from elsewhere', async () => {
  const wallet = await wallets.openWallet({ viewport: phone })
  const { page, gateway } = wallet
  const found: Record<string, readonly string[]> = {}
  const inspect = async (state: string, shown: readonly (typeof looks | typeof otherLooks)[number][] = looks) => {
    for (const { name, colours, viewport } of shown) {
      await page.setViewportSize(viewport)
      await changeLook(page, colours)
      found[`${state}, ${name}`] = await pageFaults(page, tags)
    }
    await page.setViewportSize(phone)
  }
  const inspectAll = (state: string) => inspect(state, [...looks, ...otherLooks])
  await page.goto(gateway.origin)
  await wallet.heading(/^Pay people/).waitFor()
  await inspectAll('landing')
  const [ada] = gateway.ledger.users.splice(0, 1)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await wallet.heading('Welcome to StreamPay').waitFor()
  await inspectAll('the first sign-in')
  if (ada !== undefined) gateway.ledger.users.unshift(ada)
  await page.goto(`${gateway.origin}/topics`)
  await wallet.heading('One more permission').waitFor()
  await inspectAll('one more permission')
  // A page that follows itself, or a dialog, is loaded again: what was in it must not stay.
  const open: WalletDriver['open'] = async (path, title) => {
    const isElsewhere = new URL(path, gateway.origin).pathname !== new URL(page.url()).pathname
    const isFree = isElsewhere && (await page.getByRole('dialog').count()) === 0
    await (isFree ? wallet.goTo(path, title) : wallet.open(path, title))
  }
  for (const { name, show } of states) {
    await show({ ...wallet, open })
    await (name === 'home' ? inspectAll(name) : inspect(name))
  }
  expect(Object.entries(found).filter(([, violations]) => violations.length > 0)).toEqual([])
}, 300_000)
