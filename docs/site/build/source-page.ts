/** A page for a source that a document links to, so that the site is whole by itself: the text of a file, or the list of a folder. */
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { repositoryFiles } from '../../../scripts/repository.js'
import { escapeHtml } from './html.ts'
import { isPicture } from './links.ts'

export type SourcePage = {
  readonly html: string
  /** Of a folder: its files, which need pages themselves, and its pictures. */
  readonly sources: readonly string[]
  readonly pictures: readonly string[]
}

export function sourcePage(root: string, path: string): SourcePage {
  if (!statSync(join(root, path)).isDirectory()) {
    const text = readFileSync(join(root, path), 'utf8')
    const code = `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>`
    return { html: pageOf({ path, folder: dirname(path), content: code }), sources: [], pictures: [] }
  }
  const files = repositoryFiles(root, path).filter((file) => dirname(file) === path)
  const sources = files.filter((file) => isText.test(file))
  const pictures = files.filter((file) => isPicture.test(file))
  const items = [
    ...sources.map((file) => itemOf(`${basename(file)}.html`, file)),
    ...pictures.map((file) => itemOf(`${upFrom(path)}${file}`, file)),
  ]
  return { html: pageOf({ path, folder: path, content: `<ul>${items.join('')}</ul>` }), sources, pictures }
}

const isText = /\.(ts|js|mjs|cjs|json|jsonl|yaml|yml|toml|md|vue|css|html|py|sh|java|xml|txt)$/

function itemOf(address: string, file: string): string {
  return `<li><a href="${address}">${escapeHtml(basename(file))}</a></li>`
}

/** From a page in this folder of `/source` to the root of the site. */
function upFrom(folder: string): string {
  return folder === '.' ? '../' : `${'../'.repeat(folder.split('/').length)}../`
}

type Page = { readonly path: string; readonly folder: string; readonly content: string }

function pageOf({ path, folder, content }: Page): string {
  const up = upFrom(folder)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(path)} · StreamPay</title>
<link rel="icon" href="${up}logo.svg">
<link rel="stylesheet" href="${up}source.css">
</head>
<body>
<main>
<p><a href="${up}index.html">StreamPay</a></p>
<h1><code>${escapeHtml(path)}</code></h1>
${content}
</main>
</body>
</html>
`
}
