/** The pages that are made from the code, with a first page that lists them. */
import { addressOf, type Document, documentOf } from '../documents.ts'
import { configurationPage } from './configuration.ts'
import { errorsPage } from './errors.ts'
import { httpApiPage } from './http-api.ts'
import { packagePages } from './packages.ts'
import { topicsPage } from './topics.ts'

export type ReferenceOptions = {
  readonly root: string
  /** Where TypeDoc wrote its pages. */
  readonly typedoc: string
  readonly documents: readonly Document[]
}

export function referencePages({ root, typedoc, documents }: ReferenceOptions): Document[] {
  const pages = [
    httpApiPage(),
    configurationPage(root, documents),
    errorsPage(),
    topicsPage(),
    ...packagePages(root, typedoc),
  ]
  const items = pages.map((page) => `- [${page.title}](${addressOf(page)}): ${page.summary}`)
  const words = 'Generated from the code each time that this site is built.'
  return [documentOf('reference/README.md', `# Reference\n\n${words}\n\n${items.join('\n')}\n`), ...pages]
}
