/** The links of a document, as they are on the site: to pages, to pictures, and to pages that show a source. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { addressOf, type Document } from './documents.ts'

export type Linked = {
  /** Pictures to copy, and files or folders to show, by their path in the repository. */
  readonly pictures: Set<string>
  readonly sources: Set<string>
}

type Place = { readonly root: string; readonly byFile: ReadonlyMap<string, Document>; readonly linked: Linked }

export const isPicture = /\.(webp|png|svg)$/

/** Code stays as it is. */
export function withSiteLinks({ file, text }: Document, place: Place): string {
  let isCode = false
  const lines = text.split('\n').map((line) => {
    const isFence = /^\s*```/.test(line)
    if (isFence) isCode = !isCode
    if (isCode || isFence) return line
    return line.replaceAll(/\]\(([^)\s]+)\)/g, (link, target: string) =>
      /^([a-z]+:|#|\/)/.test(target) ? link : siteLink(file, target, place),
    )
  })
  return lines.join('\n')
}

function siteLink(file: string, target: string, { root, byFile, linked }: Place): string {
  const [path = '', anchor] = target.split('#')
  const place = normalize(join(dirname(file), path)).replace(/\/$/, '')
  const page = byFile.get(place) ?? byFile.get(join(place, 'README.md'))
  if (page !== undefined) return `](${addressOf(page)}${anchor === undefined ? '' : `#${anchor}`})`
  if (isPicture.test(place)) {
    linked.pictures.add(place)
    return `](/${place})`
  }
  if (!existsSync(join(root, place))) throw new Error(`${file} links to ${target}, which is not there`)
  linked.sources.add(place)
  return `](${sourceAddress(root, place)}){target="_self"}`
}

export function sourceAddress(root: string, path: string): string {
  return statSync(join(root, path)).isDirectory() ? `/source/${path}/index.html` : `/source/${path}.html`
}
