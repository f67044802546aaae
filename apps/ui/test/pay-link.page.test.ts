import decodeQR from 'qr/decode.js'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { keepPicture, useWallets } from './support/page-tests.ts'

const wallets = useWallets()

describe('a pay link', () => {
  it('opens the form filled in, over the sign-in, and pays nothing by itself', async () => {
    const wallet = await wallets.openWallet()
    const { page, gateway, main } = wallet
    await page.goto(`${gateway.origin}/pay/grace-hopper?amount=12.50&note=Lunch+%26+tea`)
    await page.getByText('You followed a pay link.').waitFor()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await wallet.heading('Pay or request').waitFor()
    await main.getByText('A pay link has filled this in.').waitFor()
    await main.getByText('@grace-hopper').waitFor()
    expect(await page.getByRole('textbox', { name: 'Amount' }).inputValue()).toBe('12.50')
    expect(await page.getByRole('textbox', { name: /^Note/ }).inputValue()).toBe('Lunch & tea')
    await keepPicture(wallet, 'pay-link-form')
    await page.getByRole('button', { name: 'Continue' }).click()
    await wallet.heading('Check and pay').waitFor()
    expect(gateway.keys).toEqual([])
    await main.getByRole('button', { name: 'Pay $12.50' }).click()
    await wallet.receipt()
    expect(gateway.ledger.entries.at(-1)).toMatchObject({
      counterparty: 'grace-hopper',
      amount: -1_250,
      notes: 'Lunch & tea',
    })
  })

  it.each([
    ['of somebody who is not there', 'nobody-here', 'No such person'],
    ['with an amount that is none', 'grace-hopper?amount=1e3', 'This link can’t be used'],
    ['of one’s own', 'ada?amount=5', 'This is your own pay link'],
  ])('%s says so, and shows no form', async (_what, link, title) => {
    const wallet = await wallets.signInAt(`/pay/${link}`, 'Pay or request')
    await wallet.page.getByRole('alert').getByText(title).waitFor()
    expect(await wallet.page.getByRole('button', { name: 'Continue' }).count()).toBe(0)
    await wallet.page.getByRole('link', { name: 'Choose a person' }).click()
    await wallet.page.getByPlaceholder('Name or username').waitFor()
  })

  it('to oneself is on the profile, can be copied, and saved as a picture that scans as the link', async () => {
    const wallet = await wallets.signInAt('/profile', 'Profile')
    const { page, gateway } = wallet
    const section = page.getByRole('region', { name: 'Your pay link' })
    const link = section.getByTestId('pay-link')
    await section.getByRole('img', { name: 'QR code of your pay link' }).waitFor()
    expect(await link.innerText()).toBe(`${gateway.origin}/pay/ada`)
    await section.getByRole('textbox', { name: 'Amount' }).fill('1e3')
    await section.getByRole('alert').first().waitFor()
    expect(await section.getByRole('button', { name: 'Copy link' }).isDisabled()).toBe(true)
    await section.getByRole('textbox', { name: 'Amount' }).fill('12.5')
    await section.getByRole('textbox', { name: /^Note/ }).fill('Lunch')
    await section.getByRole('img', { name: 'QR code of your pay link' }).waitFor()
    const wanted = `${gateway.origin}/pay/ada?amount=12.50&note=Lunch`
    await expect.poll(() => link.innerText()).toBe(wanted)
    await keepPicture(wallet, 'pay-link-profile', { fullPage: true })
    const file = page.waitForEvent('download')
    await section.getByRole('button', { name: 'Download picture' }).click()
    const picture = await sharp(await (await file).path())
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    const { width, height } = picture.info
    expect(decodeQR({ width, height, data: picture.data })).toBe(wanted)
    await wallet.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await section.getByRole('button', { name: 'Copy link' }).click()
    await section.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(wanted)
  })
})
