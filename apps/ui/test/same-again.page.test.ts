/** The answer to a payment is lost, the person leaves the page, and later sends the same amount to the same person. */
import { expect, it } from 'vitest'
import { cut } from './support/mock-http.ts'
import { useWallets } from './support/page-tests.ts'

const wallets = useWallets()

async function loseAnswer(fault: 'lost' | 'dropped') {
  const wallet = await wallets.openWallet()
  await wallet.signInAt('/send?to=grace-hopper', 'Pay or request')
  await wallet.prepare({ amount: '12' })
  wallet.gateway.faults.command = fault
  // The ledger's events come late, so that the answer is missing for a while.
  wallet.gateway.faults.streamsDown = true
  for (const stream of wallet.gateway.streams) cut(stream)
  await wallet.main.getByRole('button', { name: 'Pay $12.00' }).click()
  await wallet.page.getByRole('alert').getByText('No answer yet').waitFor()
  wallet.gateway.faults.streamsDown = false
  return wallet
}

// The second payment had the key of the first one: nothing was paid, and the page said "Sent".
it('pays a second time, under a key of its own, once the first payment is on the statement', async () => {
  const wallet = await loseAnswer('lost')
  const { page, main, gateway } = wallet
  await page.getByRole('link', { name: /^Statement/ }).click()
  await wallet.heading('Statement').waitFor()
  await main.getByText('To Grace Hopper').first().waitFor()
  await page.getByRole('link', { name: /^Pay or request/ }).click()
  await wallet.heading('Pay or request').waitFor()
  await wallet.prepare({ to: 'Grace Hopper', amount: '12' })
  await page.getByText('The same again?').waitFor()
  await main.getByRole('button', { name: 'Pay $12.00' }).click()
  await wallet.receipt()
  expect(new Set(gateway.keys).size).toBe(2)
  await wallet.balance().getByText('$1,595.70').waitFor()
})

// The receipt replaced the page that was being loaded.
it('opens the page that the person chose, even if the entry comes meanwhile', async () => {
  const wallet = await loseAnswer('dropped')
  const loading = Promise.withResolvers<void>()
  await wallet.context.route(/StatementPage-[^/]*\.js$/, async (route) => {
    await loading.promise
    await route.continue()
  })
  await wallet.page.getByRole('link', { name: /^Statement/ }).click()
  wallet.gateway.ledger.move('grace-hopper', -1_200)
  await wallet.balance().getByText('$1,607.70').waitFor()
  loading.resolve()
  await wallet.heading('Statement').waitFor()
  await wallet.main.getByText('To Grace Hopper').first().waitFor()
})

it('shows the receipt as soon as the entry is on the statement, while no answer comes', async () => {
  const wallet = await loseAnswer('dropped')
  // The same payment, taken late: its entry comes live, its answer never.
  wallet.gateway.ledger.move('grace-hopper', -1_200)
  expect(await wallet.receipt()).toMatch(/^t0-/)
  await wallet.page.getByText('This had gone through already').waitFor()
  await wallet.open('/home', /^Hi/)
  expect(await wallet.page.getByText('Payment of $12.00').count()).toBe(0)
})

it('asks which of the two is meant while the first one is unknown, and finishes the first one once', async () => {
  const wallet = await loseAnswer('dropped')
  const { main, page, gateway } = wallet
  await wallet.open('/send?to=grace-hopper', 'Pay or request')
  await wallet.prepare({ amount: '12' })
  await page.getByText('An earlier payment has no answer yet').waitFor()
  await main.getByRole('button', { name: 'Finish the earlier one' }).click()
  await wallet.receipt()
  expect(await page.getByText('This had gone through already').count()).toBe(0)
  expect(new Set(gateway.keys).size).toBe(1)
  await wallet.balance().getByText('$1,607.70').waitFor()
})

it('pays again if that is chosen, under a key of its own, and keeps the first one open', async () => {
  const wallet = await loseAnswer('dropped')
  const { main, page, gateway } = wallet
  await wallet.open('/send?to=grace-hopper', 'Pay or request')
  await wallet.prepare({ amount: '12', note: 'For lunch' })
  await main.getByRole('button', { name: 'Pay $12.00 again as well' }).click()
  await wallet.receipt()
  expect(new Set(gateway.keys).size).toBe(2)
  await wallet.open('/home', /^Hi/)
  await page.getByText('Payment of $12.00 to Grace Hopper').waitFor()
  await wallet.balance().getByText('$1,607.70').waitFor()
})

// "Nothing was sent" was said of the second attempt, and people took it for the first as well.
it('does not say that nothing was sent when a second attempt is turned away', async () => {
  const wallet = await loseAnswer('dropped')
  const { main, page, gateway } = wallet
  gateway.faults.command = 'unavailable'
  await main.getByRole('button', { name: 'Check again' }).click()
  await page.getByRole('alert').getByText('The earlier one may have gone through').waitFor()
  expect(await page.getByText('Nothing was sent').count()).toBe(0)
})

it('says of a replayed answer that it is one, and when it went through', async () => {
  const wallet = await wallets.openWallet()
  await wallet.signInAt('/send?to=grace-hopper', 'Pay or request')
  await wallet.prepare({ amount: '12' })
  const { main, page, gateway } = wallet
  // The statement gets no events meanwhile, so that only the answer can tell.
  gateway.faults.streamsDown = true
  for (const stream of gateway.streams) cut(stream)
  gateway.faults.command = 'lost'
  await main.getByRole('button', { name: 'Pay $12.00' }).click()
  await page.getByRole('alert').getByText('No answer yet').waitFor()
  await main.getByRole('button', { name: 'Check again' }).click()
  await wallet.receipt()
  await page.getByText('This had gone through already').waitFor()
  await main.getByText(/It was paid once, .*\d{4}.*Nothing was paid now/).waitFor()
  expect(await wallet.heading('Sent before').count()).toBe(1)
})
