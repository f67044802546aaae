/** The wallet without a mouse: the keyboard reaches and presses every control that a payment needs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, openDemo, tabTo } from './support/demo.ts'
import { Friend } from './support/friend.ts'

let demo: Demo
beforeAll(async () => {
  demo = await openDemo()
}, 120_000)
afterAll(() => demo?.close(), 60_000)

describe('with the keyboard alone', { timeout: 60_000 }, () => {
  it('signs in, skips to the content, and pays', async () => {
    const visit = await demo.visit({ width: 1280, height: 800 })
    const { page } = visit
    const { keyboard } = page
    const friend = new Friend(demo.bank, { id: 'alan', name: 'Alan Turing' })
    await friend.register()
    await page.goto(demo.app.origin)
    await visit.heading(/^Pay people/).waitFor()
    await tabTo(page, /^Sign in$/)
    await keyboard.press('Enter')
    await visit.heading('Sign in to StreamPay').waitFor()
    await tabTo(page, /^Your name$/)
    await keyboard.type('Rosa Keys')
    await keyboard.press('Enter')
    await visit.heading('Welcome to StreamPay').waitFor()
    await tabTo(page, /^Publish and open my account$/)
    await keyboard.press('Enter')
    await visit.heading('Hi, Rosa').waitFor()
    await visit.balance().getByText('$').waitFor()

    // Two pages later, the focus begins at the top again: the first element there skips the navigation.
    await page.reload()
    await visit.heading('Hi, Rosa').waitFor()
    await tabTo(page, /^Skip to content$/)
    await keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Hi, Rosa')
    await tabTo(page, /^Pay$/)
    await keyboard.press('Enter')
    await visit.heading('Pay or request').waitFor()
    await tabTo(page, /^To$/)
    await keyboard.type('Alan Tur')
    await page.getByRole('listitem').getByRole('button', { name: 'Alan Turing' }).waitFor()
    await tabTo(page, /^Alan Turing/)
    await keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Amount' }).waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('amount')
    await keyboard.type('3.33')
    await tabTo(page, /^Continue$/)
    await keyboard.press('Enter')
    await visit.heading('Check and pay').waitFor()
    await tabTo(page, /^Pay \$3\.33$/)
    await keyboard.press('Enter')
    const transferId = await visit.receipt()
    expect(await friend.entriesThat(({ amount }) => amount === 333)).toMatchObject([{ transferId }])
    expect(visit.faults).toEqual([])
    await visit.context.close()
  })
})
