/**
 * `/docs`: the OpenAPI document as a page, on which each operation can be tried. The page loads only its own style and script,
 * nothing from other hosts, so that it works under the gateway's content security policy.
 */
import { readFileSync } from 'node:fs'
import type { App } from '../http/app.ts'
import { ownOriginOnly } from '../http/cors.ts'
import type { ApiDocument } from './api-document.ts'
import { apiContentsHtml, apiReferenceHtml } from './api-reference.ts'
import { escapeHtml, wordsHtml } from './html.ts'

/** A form of a development issuer that returns a token for a name; it is posted to the page's origin. */
export type TokenForm = {
  /** The path to which the form is posted, at the page's origin. */
  readonly path: string
  /** Fields with constant values. */
  readonly fields: Readonly<Record<string, string>>
  /** The name of the input field for the name. */
  readonly nameField: string
}

export type ApiPageOptions = {
  /** Without it, the user pastes a token. */
  readonly tokenForm?: TokenForm | undefined
}

const paths = { page: '/docs', style: '/docs.css', script: '/docs.js' } as const

/** Each file is made at its first request: most gateways never get one, and making the page would lengthen every start. */
export function registerApiPage(app: App, document: ApiDocument, options: ApiPageOptions): void {
  const parts = [
    [paths.page, 'text/html; charset=utf-8', () => apiPageHtml(document, options)],
    [paths.style, 'text/css; charset=utf-8', () => fileBeside('api-page.css')],
    [paths.script, 'text/javascript; charset=utf-8', () => fileBeside('api-page.client.js')],
  ] as const
  for (const [path, type, make] of parts) {
    let text: string | undefined
    app.get(path, { config: ownOriginOnly }, async (_request, reply) => {
      text ??= make()
      return reply.header('cache-control', 'no-cache').type(type).send(text)
    })
  }
}

function fileBeside(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}

export function apiPageHtml(document: ApiDocument, { tokenForm }: ApiPageOptions): string {
  const { title, version, description } = document.info
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}: HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${paths.style}">
<script src="${paths.script}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
<h1>${escapeHtml(title)}: HTTP API</h1>
<p>Version ${escapeHtml(version)}. ${wordsHtml(description)}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a>, and the topics behind it: <a href="/asyncapi.json">asyncapi.json</a>.</p>
</header>
<div class="columns">
<nav aria-label="Operations"><details open><summary>Operations</summary>
${apiContentsHtml(document)}
</details></nav>
<main id="main" tabindex="-1">
<section aria-labelledby="token-heading">
<h2 id="token-heading">Token</h2>
${accessHtml(tokenForm)}
</section>
${apiReferenceHtml(document, { canBeTried: true })}
</main>
</div>
</body>
</html>
`
}

function accessHtml(tokenForm: TokenForm | undefined): string {
  const field = `<label>Access token<input id="token" autocomplete="off" spellcheck="false"></label>`
  const words = 'Every request that you try below is sent with it. Only this page keeps it, until you close the page.'
  if (tokenForm === undefined) return `<p>${words}</p>\n${field}`
  const fields = Object.entries(tokenForm.fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  return `<p>The development issuer gives one for any name, with every permission. ${words}</p>
<form id="get-token" method="post" action="${escapeHtml(tokenForm.path)}">
${fields.join('\n')}
<label>Name<input name="${escapeHtml(tokenForm.nameField)}" value="ada" required autocomplete="off" spellcheck="false"></label>
<p class="buttons"><button type="submit">Get a development token</button></p>
<output></output>
</form>
${field}`
}
