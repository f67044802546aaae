/** Every setting: the launcher's as it tells them itself, those of services from the tables beside their code. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { helpText } from '../../../../apps/launcher/src/option-list.ts'
import { addressOf, type Document, documentOf } from '../documents.ts'

/** Of measurements, set by those who start a process to measure it. */
const unnamed: ReadonlySet<string> = new Set(['STREAMPAY_VITALS'])

/** @throws Error for a setting that the code reads and no table names */
export function configurationPage(root: string, documents: readonly Document[]): Document {
  const services = documents.filter(({ file }) => /^(apps|packages)\/[^/]+\/README\.md$/.test(file))
  const sections = services.flatMap((document) => sectionOf(document))
  const text = [
    '# Configuration',
    'Every setting, by the process that reads it: an option of `npm start`, or a variable of the environment. An invalid setting ends the start with a sentence that names it.',
    '## `npm start`',
    `\`\`\`text\n${helpText()}\n\`\`\``,
    'What the options mean together: [the launcher](/apps/launcher/).',
    ...sections,
  ].join('\n\n')
  checkThatAllAreNamed(root, text)
  return documentOf('reference/configuration.md', text)
}

/** The tables whose first column is `variable`. */
function sectionOf(document: Document): string[] {
  const tables = document.text.match(/^\| variable \|.*\n(?:\|.*\n?)+/gm) ?? []
  if (tables.length === 0) return []
  // Links are those of the document, which is another page here.
  const plain = tables.map((table) => table.trim().replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1'))
  return [`## ${document.title}`, `More about it: [${document.title}](${addressOf(document)}).`, ...plain]
}

function checkThatAllAreNamed(root: string, text: string): void {
  const missing = globSync('{apps,packages}/*/src/**/*.ts', { cwd: root, exclude: ['apps/ui/**'] }).flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8')
    const names = [...source.matchAll(/\benv(?:\.|, ')((?:[A-Z]+_)+[A-Z_]+)/g)].map(([, name = '']) => name)
    return names.filter((name) => isOurs(name) && !text.includes(name)).map((name) => `${name} (${dirname(file)})`)
  })
  if (missing.length > 0) throw new Error(`No table of a README names ${missing.join(', ')}`)
}

function isOurs(name: string): boolean {
  return (
    /^(KAFKA|BROKER|GATEWAY|OIDC|IDENTITY|CONTROL|METRICS|PAYMENTS|SIMULATION|STREAMPAY|LOG)_/.test(name) &&
    !unnamed.has(name)
  )
}
