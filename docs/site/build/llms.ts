/** `llms.txt` (https://llmstxt.org): what the project is, and each page as Markdown with one line on what it says. */
import type { Section } from './contents.ts'
import type { Document } from './documents.ts'

export type LlmsOptions = {
  /** The first document, which says what the project is. */
  readonly first: Document
  readonly sections: readonly (readonly [Section, readonly Document[]])[]
  /** Of the site: `/`, or the path below which it is served. */
  readonly base: string
}

export function llmsText({ first, sections, base }: LlmsOptions): string {
  const parts = sections.map(([{ title }, documents]) => {
    const items = documents.map(({ route, title: name, summary }) => `- [${name}](${base}${route}.md): ${summary}`)
    return `## ${title}\n\n${items.join('\n')}`
  })
  return `${[`# ${first.title}`, `> ${first.summary}`, ...parts].join('\n\n')}\n`
}
