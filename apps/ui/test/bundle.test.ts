import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { maxFirstLoadBytes, measureFirstLoads } from '../scripts/first-load.ts'

type Icon = { readonly src: string; readonly sizes: string; readonly purpose?: string }

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
      // An icon that is not in the bundle would be requested from iconify's servers; none may be missing.
      expect(text).not.toMatch(/fonts\.(googleapis|gstatic|bunny)/)
    }
  })

  it('has the pictures that its manifest and a shared link name, as large as they say', async () => {
    const manifest = JSON.parse(readFileSync(new URL('manifest.webmanifest', dist), 'utf8')) as { icons: Icon[] }
    const page = readFileSync(new URL('index.html', dist), 'utf8')
    expect(page).toContain('href="/manifest.webmanifest"')
    expect(page).toContain('<meta property="og:image" content="/share.png"')
    const icons = manifest.icons.filter(({ sizes }) => sizes !== 'any')
    expect(icons.map(({ sizes, purpose }) => [sizes, purpose])).toEqual([
      ['192x192', undefined],
      ['512x512', undefined],
      ['512x512', 'maskable'],
    ])
    const shared = { src: '/share.png', sizes: '1200x630' }
    for (const { src, sizes } of [...icons, shared, { src: '/apple-touch-icon.png', sizes: '180x180' }]) {
      const { width, height } = await sharp(fileURLToPath(new URL(`.${src}`, dist))).metadata()
      expect(`${src} ${width}x${height}`).toBe(`${src} ${sizes}`)
    }
  })

  it('has a service worker that knows every file whose name changes, and no other', () => {
    const worker = readFileSync(new URL('sw.js', dist), 'utf8')
    const { files } = JSON.parse(/const build = (.*)/.exec(worker)?.[1] ?? '{}') as { files: string[] }
    const built = readdirSync(new URL('assets/', dist)).filter((file) => !/\.(br|gz)$/.test(file))
    expect(files).toEqual(built.map((file) => `/assets/${file}`).sort())
  })

  it('needs no inline script', () => {
    const page = readFileSync(new URL('index.html', dist), 'utf8')
    expect(page.match(/<script(?![^>]*\bsrc=)/g)).toBeNull()
  })
})
