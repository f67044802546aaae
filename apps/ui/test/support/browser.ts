import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext } from 'playwright-core'

/**
 * The package's own options are made for cloud functions: one process, and no web security, which tests must have. The certificates are
 * those of the tests: the option of a context to accept them holds for its pages, and not for workers that they share.
 */
const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--font-render-hinting=none',
  '--headless=shell',
  '--ignore-certificate-errors',
]

/** As over a proxy with HTTP/1.1 only: six connections for all tabs. */
export const http1Only = ['--disable-http2', '--disable-quic']

/** Chromium from the npm package. */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  const { chromium: playwright } = await import('playwright-core')
  const executablePath = await unpackedChromium()
  return playwright.launch({ executablePath, args: [...browserArguments, ...more], headless: true })
}

/** As if the person asked for less data: a headless browser has no such setting. */
export function saveData(context: BrowserContext): Promise<unknown> {
  return context.addInitScript(`Object.defineProperty(navigator.connection, 'saveData', { value: true })`)
}

/**
 * Unpacked once, into a folder of its own for each version below the temp folder. The package uses a file in the temp folder even if it is
 * incomplete: so another process must not see it before it is complete, and a process that comes second uses the file that is there.
 */
async function unpackedChromium(): Promise<string> {
  const folder = join(tmpdir(), `streampay-browser-${chromiumVersion()}`)
  const program = join(folder, 'chromium')
  if (existsSync(program)) return program
  const making = mkdtempSync(`${folder}-`)
  const before = process.env.TMPDIR
  process.env.TMPDIR = making
  try {
    const { default: chromium } = await import('@sparticuz/chromium')
    await chromium.executablePath()
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
  try {
    renameSync(making, folder)
  } catch (error) {
    if (!existsSync(program)) throw error
    rmSync(making, { recursive: true })
  }
  return program
}

function chromiumVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const manifest = JSON.parse(readFileSync(new URL('../package.json', `file://${entry}`), 'utf8')) as {
    version: string
  }
  return manifest.version
}
