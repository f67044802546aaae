/**
 * Looks at the built site: every link and every file that a page names is there, with its heading; and nothing comes from another
 * origin, by what is written in pages, styles and scripts, and by what a browser asks for that opens some of them. Exits 1 if not.
 */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '../../../apps/ui/test/support/browser.ts'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const base = (process.env.DOCS_BASE || '/').replace(/\/$/, '')
const origin = 'http://site.test'
/** One of each kind. */
const opened = [
  '',
  'tour.html',
  'packages/kafka/',
  'reference/http-api.html',
  'bench.html',
  'source/apps/domain/src/schemas.ts.html',
]
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
}

/** Where VitePress has the icons of `socialLinks` from, of which this site has none. */
const iconsOfLinks = "url('https://api.iconify.design/simple-icons/"

const faults = new Set<string>()
const ids = new Map<string, ReadonlySet<string>>()
const pages = globSync('**/*.html', { cwd: dist })
for (const page of pages) checkPage(page, read(page))
for (const [, target = ''] of read('llms.txt').matchAll(/\]\(([^)]+)\)/g)) checkTarget('llms.txt', target)
// The other scripts hold the text of one page each, with its examples.
for (const file of globSync(['**/*.css', 'assets/{app.*,chunks/*}.js'], { cwd: dist })) checkOrigins(file, read(file))
for (const fault of await openInBrowser()) faults.add(fault)

for (const fault of faults) console.error(fault)
console.log(`site: ${pages.length} pages, ${opened.length} opened in a browser, ${faults.size} faults`)
process.exitCode = faults.size === 0 ? 0 : 1

function checkPage(page: string, html: string): void {
  for (const [, tag, attributes = ''] of html.matchAll(/<([a-z]+)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*\/?>/g)) {
    for (const [, value = ''] of attributes.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
      if (/^(data:|mailto:)/.test(value)) continue
      if (!/^([a-z]+:)?\/\//.test(value)) checkTarget(page, decodeURI(value))
      else if (tag !== 'a') faults.add(`${page} loads ${value}`)
    }
  }
  for (const [code] of html.matchAll(/<(script|style)[\s\S]*?<\/\1>/g)) checkOrigins(page, code)
}

function checkTarget(page: string, value: string): void {
  const [path = '', anchor] = value.replace(/\?[^#]*/, '').split('#')
  if (path.startsWith('/') && !path.startsWith(`${base}/`)) return void faults.add(`${page} leaves the site: ${value}`)
  const place = path.startsWith('/') ? path.slice(base.length + 1) : normalize(join(dirname(page), path))
  const file = path === '' ? page : fileAt(place)
  if (file === undefined) faults.add(`${page} links to ${value}, which is not there`)
  else if (anchor && file.endsWith('.html') && !idsOf(file).has(anchor))
    faults.add(`${page} links to ${value}: no such heading`)
}

/** As a server of files finds it. */
function fileAt(place: string): string | undefined {
  const candidates = [place, join(place, 'index.html'), `${place}.html`]
  return candidates.find((file) => existsSync(join(dist, file)) && statSync(join(dist, file)).isFile())
}

function idsOf(file: string): ReadonlySet<string> {
  const known = ids.get(file) ?? new Set([...read(file).matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => id))
  ids.set(file, known)
  return known
}

/** What a style or a script would fetch. */
function checkOrigins(file: string, text: string): void {
  const loads =
    /(?:url\(|@import |\bfetch\(|\bimport\(|sendBeacon\(|new (?:Worker|EventSource|WebSocket)\()\s*["'`]?(?:https?:|wss?:)?\/\//g
  for (const [found] of text.replaceAll(iconsOfLinks, '').matchAll(loads))
    faults.add(`${file} loads from elsewhere: ${found}`)
}

async function openInBrowser(): Promise<readonly string[]> {
  const browser = await launchBrowser()
  const found: string[] = []
  const context = await browser.newContext()
  await context.route('**/*', (route) => {
    const { origin: asked, pathname } = new URL(route.request().url())
    const file = asked === origin ? fileAt(pathname.slice(base.length + 1)) : undefined
    if (asked !== origin) found.push(`a page asks for ${route.request().url()}`)
    if (file === undefined) return route.abort()
    return route.fulfill({ path: join(dist, file), contentType: types[extname(file)] ?? 'application/octet-stream' })
  })
  for (const path of opened) {
    const page = await context.newPage()
    page.on('pageerror', (error) => found.push(`${path || '/'}: ${error.message}`))
    const response = await page.goto(`${origin}${base}/${path}`, { waitUntil: 'networkidle' }).catch(() => null)
    if (!response?.ok()) found.push(`${path || '/'} cannot be opened`)
    await page.close()
  }
  await browser.close()
  return found
}

function read(file: string): string {
  return readFileSync(join(dist, file), 'utf8')
}
