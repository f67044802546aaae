import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { type MockGateway, startMockGateway } from './mock-gateway.ts'
import { desktop, driveWallet, watchPage } from './wallet-driver.ts'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

export type WalletOptions = {
  readonly empty?: boolean
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly colorScheme?: 'light' | 'dark'
  readonly reducedMotion?: 'reduce' | 'no-preference'
  readonly forcedColors?: 'active' | 'none'
}

/** One browser for a file of tests; a gateway and a session of its own for each wallet opened in it. */
export async function openWallets({ browserArguments = [] }: { browserArguments?: readonly string[] } = {}) {
  const browser: Browser = await launchBrowser(browserArguments)
  const gateways: MockGateway[] = []

  async function openWallet(options: WalletOptions = {}) {
    const { empty = false, viewport = desktop, colorScheme = 'light', reducedMotion = 'no-preference' } = options
    const { forcedColors = 'none' } = options
    const gateway = await startMockGateway({ dist, empty })
    gateways.push(gateway)
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      viewport,
      colorScheme,
      reducedMotion,
      forcedColors,
    })
    const faults = watchPage(context, gateway.origin)
    const wallet = driveWallet(await context.newPage(), gateway.origin)
    return { ...wallet, gateway, faults, context }
  }

  async function close() {
    await browser.close()
    await Promise.all(gateways.map((gateway) => gateway.close()))
  }

  return { openWallet, close }
}
