/** What each package exports: the pages that TypeDoc wrote into docs/site/typedoc, by the names by which packages are imported. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import GithubSlugger from 'github-slugger'
import { entryPoints } from '../../../../scripts/repository.js'
import { addressOf, type Document, documentOf } from '../documents.ts'

/** Programs, which nothing imports. */
const programs: ReadonlySet<string> = new Set(['./main', './run-file'])

/** @throws Error if TypeDoc wrote no page of an export */
export function packagePages(root: string, folder: string): Document[] {
  const exported = exportsOf(root)
  const addresses = new Map(
    [...exported].map(([page, name]) => [page, addressOf(documentOf(fileOf(name), `# ${name}`))]),
  )
  const texts = new Map([...exported].map(([page, name]) => [page, textOf(join(folder, page), name)]))
  const headings = new Map([...texts].map(([page, text]) => [page, headingsOf(text)]))
  return [...exported].map(([page, name]) => {
    const text = (texts.get(page) ?? '')
      .replace(/^# .*/m, `# ${name}\n\nWhat \`${name}\` exports, from the comments in its sources.`)
      .replaceAll(
        /\]\(([^)#\s]+\.md)?(?:#([^)]*))?\)/g,
        (_, target: string | undefined, anchor: string | undefined) => {
          const place = target === undefined ? page : normalize(join(dirname(page), target))
          const address = target === undefined ? '' : (addresses.get(place) ?? target)
          return `](${address}${anchor === undefined ? '' : `#${knownAnchor(headings.get(place), anchor)}`})`
        },
      )
    return documentOf(fileOf(name), text)
  })
}

function textOf(page: string, name: string): string {
  if (existsSync(page)) return readFileSync(page, 'utf8')
  throw new Error(`TypeDoc wrote no ${page}: typedoc.json has no entry for ${name}`)
}

function headingsOf(text: string): ReadonlySet<string> {
  const slugger = new GithubSlugger()
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => slugger.slug(title)))
}

/** TypeDoc numbers the anchors of some headings although their page has each of them once. */
function knownAnchor(known: ReadonlySet<string> | undefined, anchor: string): string {
  return known === undefined || known.has(anchor) ? anchor : anchor.replace(/-\d+$/, '')
}

/** By the page of TypeDoc (`kafka/src/wire.md`), the name for imports (`@streampay/kafka/wire`). */
function exportsOf(root: string): Map<string, string> {
  const imported = entryPoints(root).filter(({ path }) => !programs.has(path))
  return new Map(
    imported.map(({ entry, file }) => [file.replace(/^packages\//, '').replace(/(\/index)?\.ts$/, '.md'), entry]),
  )
}

function fileOf(name: string): string {
  return `reference/packages/${name.replace('@streampay/', '').replaceAll('/', '-')}.md`
}
