import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import type { MockResponse } from './mock-http.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/** A file of the build, or the page for every path that is no file. */
export async function serveFile(response: MockResponse, path: string, dist: string): Promise<void> {
  const name = extname(path) === '' ? '/index.html' : normalize(path)
  try {
    const content = await readFile(join(dist, name))
    response.writeHead(200, {
      'content-type': types[extname(name)] ?? 'application/octet-stream',
      // As the gateway does: what has a hash in its name is loaded, and compiled, once for all pages of a browser context.
      'cache-control': name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
    response.end(content)
  } catch {
    response.writeHead(404).end()
  }
}
