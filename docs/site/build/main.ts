/**
 * Collects the pages of the site into docs/site/pages, from which VitePress builds it: the documents of the repository with the links
 * that they have on the site, the reference that is made from the code, pictures, and pages of the sources that documents link to.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { placed, type Section } from './contents.ts'
import { addressOf, type Document, readDocuments } from './documents.ts'
import { type Linked, sourceAddress, withSiteLinks } from './links.ts'
import { llmsText } from './llms.ts'
import { referencePages } from './reference/pages.ts'
import { sourcePage } from './source-page.ts'

const site = fileURLToPath(new URL('..', import.meta.url))
const root = join(site, '../..')
const pages = join(site, 'pages')
const files = join(pages, 'public')

rmSync(pages, { recursive: true, force: true })
const written = readDocuments(root)
const documents = [...written, ...referencePages({ root, typedoc: join(site, 'typedoc'), documents: written })]
const byFile = new Map(documents.map((document) => [document.file, document]))
const linked: Linked = { pictures: new Set(), sources: new Set() }
for (const document of documents) {
  const text = withSiteLinks(document, { root, byFile, linked })
  write(`${document.route}.md`, text)
  // Also as it is, for llms.txt.
  write(`public/${document.route}.md`, text)
}
writeSources()
for (const picture of linked.pictures) cpSync(join(root, picture), join(files, picture))
cpSync(join(root, 'apps/ui/public/logo.svg'), join(files, 'logo.svg'))
cpSync(join(site, 'build/source.css'), join(files, 'source.css'))
const sections = [...placed([...byFile.keys()])].flatMap(([section, names]) =>
  names.length === 0 ? [] : [[section, names.map((name) => byFile.get(name) as Document)] as const],
)
write('contents.json', JSON.stringify(sections.map(sidebarOf), null, 2))
const base = process.env.DOCS_BASE || '/'
write('public/llms.txt', llmsText({ first: byFile.get('README.md') as Document, sections, base }))
console.log(
  `collected: ${documents.length} documents, ${linked.pictures.size} pictures, ${linked.sources.size} sources`,
)

function writeSources(): void {
  // A folder adds its files, which this goes on to.
  for (const source of linked.sources) {
    const page = sourcePage(root, source)
    for (const file of page.sources) linked.sources.add(file)
    for (const file of page.pictures) linked.pictures.add(file)
    write(`public${sourceAddress(root, source)}`, page.html)
  }
}

function sidebarOf([{ title }, documents]: readonly [Section, readonly Document[]]) {
  return { text: title, items: documents.map((document) => ({ text: document.title, link: addressOf(document) })) }
}

function write(name: string, text: string): void {
  const file = join(pages, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
