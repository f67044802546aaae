import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { maxFirstLoadBytes, measureFirstLoads } from '../scripts/first-load.ts'

const dist = new URL('../dist/', import.meta.url)

describe('the build', () => {
  it('keeps the first load within 250 kB gzipped', () => {
    for (const { page, bytes } of measureFirstLoads(dist)) expect(bytes, page).toBeLessThanOrEqual(maxFirstLoadBytes)
  })

  it('names no address of another origin to load from', () => {
    const texts = readdirSync(new URL('assets/', dist))
      .filter((file) => /\.(js|css)$/.test(file))
      .map((file) => readFileSync(new URL(`assets/${file}`, dist), 'utf8'))
    for (const text of [...texts, readFileSync(new URL('index.html', dist), 'utf8')]) {
      expect(text).not.toMatch(/(@import|url\(|src=|href=)\s*["']?(https?:)?\/\//)
      // The default of an icon that is not in the bundle would be to ask iconify's servers; none may be missing.
      expect(text).not.toMatch(/fonts\.(googleapis|gstatic|bunny)/)
    }
  })

  it('needs no inline script', () => {
    const page = readFileSync(new URL('index.html', dist), 'utf8')
    expect(page.match(/<script(?![^>]*\bsrc=)/g)).toBeNull()
  })
})
