/** The wallet at a second gateway: it never leaves that origin, although the issuer has the name of the first. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Demo, openDemo } from './support/demo.ts'
import { Friend } from './support/friend.ts'

let demo: Demo
beforeAll(async () => {
  demo = await openDemo({ gateways: 2 })
}, 120_000)
afterAll(() => demo?.close(), 60_000)

it('signs in and pays there', { timeout: 60_000 }, async () => {
  const [, origin] = demo.app.origins
  const visit = await demo.visit({ width: 1280, height: 800 }, origin)
  const { page } = visit
  const friend = new Friend(demo.bank, { id: 'alan', name: 'Alan Turing' })
  await friend.register()
  await visit.signIn(async () => {
    await page.getByLabel('Your name').fill('Rosa Second')
    await page.keyboard.press('Enter')
  })
  await visit.balance().getByText('$').waitFor()
  await visit.open('/send', 'Pay or request')
  const transferId = await visit.pay({ to: 'Alan Turing', amount: '3.33' })
  expect(await friend.entriesThat(({ amount }) => amount === 333)).toMatchObject([{ transferId }])
  expect(visit.faults).toEqual([])
  await visit.context.close()
})
