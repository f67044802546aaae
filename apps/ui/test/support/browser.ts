import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'

// Those of the package are made for a function of the cloud: one process, and no web security, which tests must have.
const browserArguments = ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none', '--headless=shell']

/** As over a proxy that speaks nothing newer: six connections for all tabs. */
export const http1Only = ['--disable-http2', '--disable-quic']

/** Chromium from the npm package. It unpacks into the temp folder and takes what lies there: a folder of its own for each version. */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  const folder = join(tmpdir(), `streampay-chromium-${chromiumVersion()}`)
  mkdirSync(folder, { recursive: true })
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    const { default: chromium } = await import('@sparticuz/chromium')
    const { chromium: playwright } = await import('playwright-core')
    return await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: [...browserArguments, ...more],
      headless: true,
    })
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

function chromiumVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const manifest = JSON.parse(readFileSync(new URL('../package.json', `file://${entry}`), 'utf8')) as {
    version: string
  }
  return manifest.version
}
