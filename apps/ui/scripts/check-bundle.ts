/**
 * Fails when what a browser must load before the first page shows exceeds 250 kB gzipped: the entry, everything that it
 * imports, and the page and styles of a signed-in start, the heavier of the first pages.
 */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

type Chunk = { readonly file: string; readonly imports?: readonly string[]; readonly css?: readonly string[] }

const maxBytes = 250_000
const dist = new URL('../dist/', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8')) as Record<string, Chunk>
const firstPages = ['src/pages/HomePage.vue', 'src/pages/LandingPage.vue']

const loads = firstPages.map((page) => {
  const files = new Set(['index.html', 'theme.js', 'logo.svg'])
  collect('index.html', files)
  collect(page, files)
  const sizes = [...files].map((file) => ({ file, bytes: gzipSync(readFileSync(new URL(file, dist))).length }))
  return { page, sizes, bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0) }
})

for (const { page, sizes, bytes } of loads) {
  console.log(
    `first load of ${page}: ${kilobytes(bytes)} gzipped in ${sizes.length} files (limit ${kilobytes(maxBytes)})`,
  )
  if (bytes <= maxBytes) continue
  for (const { file, bytes: size } of sizes.toSorted((left, right) => right.bytes - left.bytes)) {
    console.error(`  ${kilobytes(size)} ${file}`)
  }
  process.exitCode = 1
}

function collect(name: string, files: Set<string>): void {
  const chunk = manifest[name]
  if (chunk === undefined) throw new Error(`the build has no chunk ${name}`)
  if (files.has(chunk.file)) return
  files.add(chunk.file)
  for (const style of chunk.css ?? []) files.add(style)
  for (const imported of chunk.imports ?? []) collect(imported, files)
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}
