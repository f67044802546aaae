/** The Markdown documents of the repository: where each stands on the site, what it is called, and what it is about. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryFiles } from '../../../scripts/repository.js'
import { left } from './contents.ts'

export type Document = {
  /** In the repository, or below `reference/` for what is generated. */
  readonly file: string
  /** On the site, without an ending: `exactly-once`, `packages/kafka/index`. */
  readonly route: string
  readonly text: string
  readonly title: string
  /** One sentence. */
  readonly summary: string
}

/** Of what git knows, and of new files. */
export function readDocuments(root: string): Document[] {
  return repositoryFiles(root, '*.md')
    .filter((file) => !left.some((pattern) => pattern.test(file)))
    .map((file) => documentOf(file, readFileSync(join(root, file), 'utf8')))
}

/** @throws Error for a document without a title */
export function documentOf(file: string, text: string): Document {
  const title = /^# +(.+)$/m.exec(text)?.[1]
  if (title === undefined) throw new Error(`${file} has no title: a line that begins with "# "`)
  return { file, route: routeOf(file), text, title: plain(title), summary: summaryOf(text) }
}

/** The address of a document's page, with the slash that a link has. */
export function addressOf({ route }: Pick<Document, 'route'>): string {
  return `/${route.replace(/(^|\/)index$/, '$1')}`
}

function routeOf(file: string): string {
  return file
    .replace(/^docs\//, '')
    .replace(/(^|\/)README\.md$/, '$1index')
    .replace(/\.md$/, '')
    .toLowerCase()
}

/** The first sentence of the first paragraph. */
function summaryOf(text: string): string {
  const paragraphs = withoutCode(text).split(/\n\s*\n/)
  // A decision begins with its status.
  const isProse = (paragraph: string) => /^[\p{L}*`[(]/u.test(paragraph) && !paragraph.startsWith('Status:')
  const first = paragraphs.map((paragraph) => paragraph.trim()).find(isProse) ?? ''
  const [sentence = ''] = plain(first.replaceAll(/\s+/g, ' ').trim()).split(/(?<=[.:])\s+(?=\p{Lu})/u)
  return sentence.replace(/:$/, '.')
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

function plain(markdown: string): string {
  return markdown.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')
}
