/** The wallet in colours that a user forces: backgrounds and shadows are gone, so no information may depend on them. */
import type { Locator } from 'playwright-core'
import { expect, it } from 'vitest'
import { keepPicture, useWallets } from './support/page-tests.ts'
import { desktop, phone } from './support/wallet-driver.ts'

const wallets = useWallets()

/** The edges that an element shows, in colours that differ from the page's. */
function edgesOf(element: Locator): Promise<string[]> {
  return element.evaluate((one) => {
    const page = getComputedStyle(document.body).backgroundColor
    const { borderTopStyle, borderTopWidth, borderTopColor, outlineStyle, outlineWidth, outlineColor } =
      getComputedStyle(one)
    const border = borderTopStyle === 'solid' && borderTopWidth !== '0px' && borderTopColor !== page ? ['border'] : []
    const outline = outlineStyle === 'solid' && outlineWidth !== '0px' && outlineColor !== page ? ['outline'] : []
    return [...border, ...outline]
  })
}

it.each([
  ['a desktop', desktop],
  ['a phone', phone],
])(
  'fields have an edge, and what is chosen is marked, on %s',
  async (_screen, viewport) => {
    const wallet = await wallets.openWallet({ viewport, forcedColors: 'active' })
    const { page, main } = wallet
    await wallet.signInAt()
    await keepPicture(wallet, `forced-home-${viewport.width}`)
    const here = page
      .getByRole('link', { name: 'Home' })
      .and(page.locator('[aria-current="page"]'))
      .filter({ visible: true })
    expect(await edgesOf(here.first())).toContain('outline')
    await wallet.open('/send', 'Pay or request')
    await keepPicture(wallet, `forced-send-${viewport.width}`)
    const fields = await main.locator('input:visible:not([type=radio], [type=checkbox])').all()
    expect(fields.length).toBeGreaterThan(0)
    for (const field of fields) expect(await edgesOf(field)).toContain('border')
    for (const kind of ['Request', 'Pay']) {
      await main.locator('label').filter({ hasText: kind }).first().click()
      await keepPicture(wallet, `forced-${kind}-${viewport.width}`)
      expect(await edgesOf(main.locator('label').filter({ has: page.locator('input:checked') }))).toContain('outline')
      expect(
        await edgesOf(main.locator('label').filter({ has: page.locator('input[type=radio]:not(:checked)') })),
      ).toEqual([])
    }
    await wallet.open('/requests', 'Requests')
    const tabs = main.locator('[aria-current="page"]')
    expect(await edgesOf(tabs.first())).toContain('outline')
    const other = main.locator('nav a:not([aria-current])').first()
    if ((await other.count()) > 0) expect(await edgesOf(other)).not.toContain('outline')
  },
  60_000,
)
