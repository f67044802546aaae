import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

type Chunk = { readonly file: string; readonly imports?: readonly string[]; readonly css?: readonly string[] }

export type FirstLoad = {
  readonly page: string
  readonly bytes: number
  readonly files: readonly { readonly file: string; readonly bytes: number }[]
}

/** What a browser may have to load, gzipped, before the first page shows. */
export const maxFirstLoadBytes = 250_000

const firstPages = ['src/pages/HomePage.vue', 'src/pages/LandingPage.vue']

/**
 * Measures the first load of a build: the page, the entry with everything that it imports, and the first page with its
 * styles, signed in and signed out; largest file first.
 */
export function measureFirstLoads(dist: URL): readonly FirstLoad[] {
  const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8')) as Record<string, Chunk>
  return firstPages.map((page) => {
    const names = new Set(['index.html', 'theme.js', 'logo.svg'])
    collect(manifest, 'index.html', names)
    collect(manifest, page, names)
    const files = [...names].map((file) => ({ file, bytes: gzipSync(readFileSync(new URL(file, dist))).length }))
    files.sort((left, right) => right.bytes - left.bytes)
    return { page, files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
  })
}

function collect(manifest: Readonly<Record<string, Chunk>>, name: string, files: Set<string>): void {
  const chunk = manifest[name]
  if (chunk === undefined) throw new Error(`the build has no chunk ${name}`)
  if (files.has(chunk.file)) return
  files.add(chunk.file)
  for (const style of chunk.css ?? []) files.add(style)
  for (const imported of chunk.imports ?? []) collect(manifest, imported, files)
}
