import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { mockRecord } from './support/mock-console.ts'
import { keepPicture, useWallets, type Wallet } from './support/page-tests.ts'
import { phone } from './support/wallet-driver.ts'

const wallets = useWallets()
const permitted = '/topics'

/** The page puts names between marks that keep their direction. */
const sentence = /Ada Lovelace. pays .Grace Hopper/
const row = ({ page }: Wallet, place: string) => page.getByRole('button', { name: `Open record ${place}`, exact: true })

describe('the records of a topic', () => {
  it('are there at once, each with its kind and a sentence, and then come live', async () => {
    const wallet = await wallets.signInAt('/topics/commands', 'commands', { permitted })
    const { page, gateway } = wallet
    await row(wallet, '1:5').waitFor()
    await page.getByText('30 looked at').waitFor()
    const line = page.getByRole('row').filter({ hasText: '1:5' }).first()
    await line.getByText(sentence).waitFor()
    await line.getByText('$24.50').waitFor()
    await line.getByText('Half of the dinner').waitFor()
    await line.getByText('PayCommand').first().waitFor()
    gateway.ledger.events.emit('record', mockRecord('commands', 101))
    await row(wallet, '1:101').waitFor()
    await page.getByRole('img', { name: /^Records a second, over the last minute: now \d+, at most 1$/ }).waitFor()
    await keepPicture(wallet, 'console-records-1280')
  })

  it('pause without loss', async () => {
    const wallet = await wallets.signInAt('/topics/commands?from=end', 'commands', { permitted })
    const { page, gateway } = wallet
    await page.getByText('Waiting for records').waitFor()
    const write = (offset: number) => gateway.ledger.events.emit('record', mockRecord('commands', offset))
    write(101)
    await row(wallet, '1:101').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    write(102)
    await page.getByText('1 waiting').waitFor()
    expect(await row(wallet, '2:102').count()).toBe(0)
    await page.getByRole('button', { name: 'Resume' }).click()
    await row(wallet, '2:102').waitFor()
  })

  it('are filtered by text and by an expression, whose mistakes are shown with their place', async () => {
    const wallet = await wallets.signInAt('/topics/commands', 'commands', { permitted })
    const { page } = wallet
    const filter = page.getByRole('searchbox', { name: 'Filter records' })
    await row(wallet, '1:5').waitFor()
    await filter.fill('person-7')
    await page.getByText('1 of 30 looked at match').waitFor()
    await row(wallet, '3:7').waitFor()
    await page.getByLabel('Search in').selectOption('expression')
    await filter.fill('offset >= 10 && amount > 1')
    await page.getByText('At character 17: Unknown variable: amount').waitFor()
    await keepPicture(wallet, 'console-mistake-1280')
    await filter.fill('offset >= 10 && value.amount > 1')
    await page.getByText('20 of 30 looked at match').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await filter.fill('value.amount > 1')
    await page.getByText('29 of 30 looked at match · 1 can’t be judged').waitFor()
    await page.getByText('What an expression can be').click()
    await page.getByRole('button', { name: 'value == null' }).click()
    await page.getByText('1 of 30 looked at match').waitFor()
    await row(wallet, '1:9').waitFor()
  })

  it('keep place and filter in the address: back, forward and reload have them', async () => {
    const wallet = await wallets.signInAt('/topics/commands', 'commands', { permitted })
    const { page } = wallet
    const path = () => new URL(page.url()).pathname + new URL(page.url()).search
    await page.getByLabel('Partition').selectOption('1')
    await page.getByText('8 looked at').waitFor()
    await page.getByRole('searchbox', { name: 'Filter records' }).fill('ada')
    await page.getByText('1 of 8 looked at match').waitFor()
    await row(wallet, '1:5').click()
    await page.getByRole('dialog').getByText(sentence).waitFor()
    expect(path()).toBe('/topics/commands?partition=1&q=ada&record=1:5')
    await page.reload()
    await page.getByRole('dialog').getByText(sentence).waitFor()
    await page.goBack()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('1 of 8 looked at match').waitFor()
    await page.goBack()
    await page.getByText('8 looked at').waitFor()
    expect(path()).toBe('/topics/commands?partition=1')
    await page.goForward()
    await page.getByText('1 of 8 looked at match').waitFor()
    expect(await page.getByRole('searchbox', { name: 'Filter records' }).inputValue()).toBe('ada')
    await page.goto(`${wallet.gateway.origin}/topics/commands?record=1:77`)
    await page.getByText('Partition 1 holds no record at offset 77').waitFor()
  })

  it('are looked at byte by byte, copied, saved, exported, and compared with the version before', async () => {
    const wallet = await wallets.signInAt('/topics/balances', 'balances', { permitted })
    const { page } = wallet
    await row(wallet, '1:13').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/has \$113\.00 after t1-13 \(entry 14\)/).waitFor()
    await dialog.getByRole('button', { name: 'Hex' }).click()
    await dialog.getByText('0000  7b 22 61 63 63 6f 75 6e  {"accoun').waitFor()
    await dialog.getByRole('button', { name: 'Raw' }).click()
    await dialog.getByText('{"account":"person-5"').waitFor()
    await dialog.getByRole('button', { name: 'Compare with the version before' }).click()
    const changed = dialog.getByRole('row').filter({ hasText: 'balance' })
    await changed.getByText('10500').waitFor()
    await changed.getByText('11300').waitFor()
    await keepPicture(wallet, 'console-record-1280')
    const saved = page.waitForEvent('download')
    await dialog.getByRole('button', { name: 'Save record' }).click()
    const file = await saved
    expect(file.suggestedFilename()).toBe('balances-1-13.json')
    expect(JSON.parse(await readFile(await file.path(), 'utf8'))).toMatchObject({ partition: 1, offset: 13 })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    const exported = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByRole('menuitem', { name: 'Table (CSV)' }).click()
    const table = await exported
    expect(table.suggestedFilename()).toBe('balances.csv')
    expect((await readFile(await table.path(), 'utf8')).trimEnd().split('\r\n')).toHaveLength(31)
  })

  it('stand in two lines each on a phone', async () => {
    const wallet = await wallets.signInAt('/topics/commands', 'commands', {
      viewport: phone,
      colorScheme: 'dark',
      permitted,
    })
    await row(wallet, '1:5').waitFor()
    await keepPicture(wallet, 'console-records-390')
    await row(wallet, '1:5').click()
    await wallet.page.getByRole('button', { name: 'Hex' }).click()
    await keepPicture(wallet, 'console-record-390')
  })
})

describe('the state of the log', () => {
  it('is shown by topic: leaders, replicas, sizes, and the configuration in words', async () => {
    const wallet = await wallets.signInAt('/topics', 'Topics', { permitted })
    const { page } = wallet
    await page.getByRole('row').filter({ hasText: 'commands' }).first().getByText('480 kB').waitFor()
    await wallet.open('/topics/balances?tab=setup', 'balances')
    await page.getByText('in sync: 0, 2').waitFor()
    await page.getByText('Of each key the latest record is kept, earlier ones are removed in time.').waitFor()
    await page.getByText('Tombstones, which delete a key, are kept for 1 day.').waitFor()
    await keepPicture(wallet, 'console-setup-1280')
  })

  it('is shown by group: members, lag by partition and how old it is', async () => {
    const wallet = await wallets.signInAt('/groups', 'Consumer groups', { permitted })
    const { page } = wallet
    await keepPicture(wallet, 'console-groups-1280')
    await page.getByRole('link', { name: 'streampay-payments', exact: true }).click()
    await wallet.heading('streampay-payments').waitFor()
    await page.getByText(/^At work · 12 behind · the oldest waits for 1[45] s$/).waitFor()
    await page.getByText('commands 0, 1 · users 0').waitFor()
    await keepPicture(wallet, 'console-group-1280')
    await page.getByRole('link', { name: 'commands 1', exact: true }).click()
    await wallet.heading('commands').waitFor()
    expect(new URL(page.url()).search).toBe('?from=offset:1000&partition=1')
  })

  it('is shown by transaction: which one holds which partition back, and for how long', async () => {
    const wallet = await wallets.signInAt('/open-transactions', 'Open transactions', {
      viewport: phone,
      colorScheme: 'dark',
      permitted,
    })
    const { page } = wallet
    await page
      .getByText(/^By streampay-payments-0 \(producer 12, epoch 3\), from offset 120 on, for [89] s\.$/)
      .waitFor()
    // A transaction of some milliseconds makes no reader wait noticeably.
    expect(await page.getByText(/stands at offset/).count()).toBe(1)
    await page.getByText('DescribeLogDirs: this log does not offer it.').waitFor()
    await keepPicture(wallet, 'console-transactions-390')
  })
})

describe('what an operator writes', () => {
  it('is a dead letter, put back after a warning, with a permission of its own', async () => {
    const wallet = await wallets.signInAt('/dead-letters', 'Dead letters', { permitted })
    const { page } = wallet
    await keepPicture(wallet, 'console-letters-1280')
    await page.getByRole('searchbox', { name: 'Filter dead letters' }).fill('boom')
    await page.getByRole('button', { name: 'TypeError: boom is not a function' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('at decide (apps/payments/src/pay.ts:41:11)').waitFor()
    await dialog.getByText(sentence).waitFor()
    await dialog.getByRole('button', { name: 'Ask for it' }).click()
    await dialog.getByRole('button', { name: 'Put it back…' }).click()
    await dialog.getByText('Look first').waitFor()
    await keepPicture(wallet, 'console-letter-1280')
    await dialog.getByRole('button', { name: 'Write it again' }).click()
    await dialog.getByText('It is commands/1/99 now, and was answered with 200.').waitFor()
    await page.goto(`${wallet.gateway.origin}/dead-letters?letter=0/28`)
    await dialog.getByText('It can’t be put back: it was cut from 2000000 bytes.').waitFor()
    expect(await dialog.getByRole('button', { name: 'Put it back…' }).count()).toBe(0)
  })

  it('is a record by hand, only to topics whose records come from outside', async () => {
    const wallet = await wallets.signInAt('/topics/transactions', 'transactions', { permitted })
    const { page } = wallet
    await page.getByRole('button', { name: 'Partitions and configuration' }).waitFor()
    expect(await page.getByRole('button', { name: 'Write a record' }).count()).toBe(0)
    await wallet.open('/topics/commands?tab=write', 'commands')
    await page.getByText('This is the real log').waitFor()
    await page.getByRole('button', { name: 'Ask for it' }).click()
    await page.getByLabel('Key', { exact: true }).fill('ada')
    await page.getByLabel('Headers, one a line').fill('zilla:domain-model PayCommand')
    await page.getByText('Line 1 is not of the form').waitFor()
    await page.getByLabel('Headers, one a line').fill('zilla:domain-model: PayCommand')
    await page.getByLabel('Value').fill('no JSON')
    await keepPicture(wallet, 'console-write-1280')
    const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/console/'))
    await page.getByRole('button', { name: 'Write the record' }).click()
    expect((await sent).postDataJSON()).toEqual({
      key: 'ada',
      value: 'no JSON',
      headers: [{ name: 'zilla:domain-model', value: 'PayCommand' }],
    })
    await page.getByRole('link', { name: '1:5', exact: true }).click()
    await page.getByRole('dialog').getByText(sentence).waitFor()
  })
})

describe('the command palette', () => {
  it('is opened by keys, goes through pages, people, topics and ids, and leaves the focus where it belongs', async () => {
    const wallet = await wallets.signInAt('/topics', 'Topics', { permitted })
    const { page } = wallet
    const field = page.getByRole('combobox', { name: 'Go to a page, person, topic or id' })
    const chosen = () => page.getByRole('option', { selected: true })
    await page.getByRole('searchbox', { name: 'Filter topics' }).focus()
    await page.keyboard.press('Control+k')
    await field.waitFor()
    expect(await field.evaluate((element) => document.activeElement === element)).toBe(true)
    await page.keyboard.press('Escape')
    await field.waitFor({ state: 'detached' })
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Filter topics')

    await page.keyboard.press('Control+k')
    await page.keyboard.type('payment-req')
    await page.getByRole('option', { name: 'payment-requests' }).waitFor()
    await page.getByText('1 result', { exact: true }).waitFor()
    await page.keyboard.press('Enter')
    await wallet.heading('payment-requests').waitFor()
    await field.waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1')

    await page.keyboard.press('Control+k')
    await page.keyboard.type('t1-5')
    await page.getByRole('option', { name: 'Payment t1-5' }).waitFor()
    expect(await chosen().innerText()).toBe('Payment t1-5')
    await page.keyboard.press('ArrowDown')
    expect(await chosen().innerText()).toContain('Follow t1-5')
    await keepPicture(wallet, 'palette-1280')
    await page.keyboard.press('Enter')
    await wallet.heading('Follow an id').waitFor()

    await page.getByRole('button', { name: 'Go to…' }).click()
    await field.fill('hopper')
    await page.getByRole('option', { name: /^Grace Hopper/ }).click()
    await wallet.heading('Pay or request').waitFor()
    await page.getByText('@grace-hopper').waitFor()
  })

  it('has a button on a phone, and nothing of the log for those who may not see it', async () => {
    const wallet = await wallets.signIn({ viewport: phone, colorScheme: 'dark' })
    const { page } = wallet
    await page.getByRole('button', { name: 'Go to…' }).click()
    await page.getByRole('combobox').fill('commands')
    await page.getByText('Nothing found').waitFor()
    await page.getByRole('combobox').fill('state')
    await page.getByRole('option', { name: 'Statement' }).waitFor()
    await keepPicture(wallet, 'palette-390')
    await page.getByRole('option', { name: 'Statement' }).click()
    await wallet.heading('Statement').waitFor()
  })
})
