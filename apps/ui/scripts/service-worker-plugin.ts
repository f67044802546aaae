import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

const source = new URL('../src/shell/service-worker.js', import.meta.url)
const offlinePage = new URL('../public/offline.html', import.meta.url)
const placeholder = '= __BUILD__\n'

/** Writes `/sw.js`: the service worker with the names of all files of `assets/`, and a version that follows from all that it serves. */
export function serviceWorker(): Plugin {
  return {
    name: 'streampay:service-worker',
    apply: 'build',
    generateBundle: {
      // What other plugins add has to be there.
      order: 'post',
      handler(_options, bundle) {
        const files = Object.keys(bundle)
          .filter((file) => file.startsWith('assets/'))
          .map((file) => `/${file}`)
          .sort()
        const version = createHash('sha256')
          .update(JSON.stringify([readFileSync(source, 'utf8'), readFileSync(offlinePage, 'utf8'), files]))
          .digest('hex')
          .slice(0, 16)
        this.emitFile({ type: 'asset', fileName: 'sw.js', source: serviceWorkerOf({ version, files }) })
      },
    },
  }
}

/** The service worker of a build. */
export function serviceWorkerOf(build: { readonly version: string; readonly files: readonly string[] }): string {
  const template = readFileSync(source, 'utf8')
  if (!template.includes(placeholder)) throw new Error(`${source.pathname} has no place for its build`)
  return template.replace(placeholder, () => `= ${JSON.stringify(build)}\n`)
}
