/** An OpenAPI document of a gateway as HTML: each operation with its parameters and responses, grouped by tags. */
import type { ApiDocument, Content, Operation, Parameter, Placed, Response } from './api-document.ts'
import { escapeHtml, wordsHtml } from './html.ts'
import { schemaHtml, typeHtml } from './schema-html.ts'
import { tryForm } from './try-form.ts'

/** How the reference is made. */
export type ReferenceOptions = {
  /** Whether each operation can be tried, on the origin of the page. */
  readonly canBeTried: boolean
}

/** Sections with headings, from `<h2>` on. */
export function apiReferenceHtml(document: ApiDocument, options: ReferenceOptions): string {
  const sections = groupsOf(document).map(
    ({ name, description, operations }) => `<section aria-labelledby="${idOf(name)}">
<h2 id="${idOf(name)}">${escapeHtml(name)}</h2>
<p>${wordsHtml(description)}</p>
${operations.map((placed) => operationHtml(placed, options)).join('\n')}
</section>`,
  )
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) => `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>\n${schemaHtml(schema)}`,
  )
  return `${sections.join('\n')}
<section aria-labelledby="schemas">
<h2 id="schemas">Schemas</h2>
${schemas.join('\n')}
</section>`
}

/** Links to all operations, by group. */
export function apiContentsHtml(document: ApiDocument): string {
  return groupsOf(document)
    .map(({ name, operations }) => {
      const items = operations.map(
        ({ method, path, operation }) =>
          `<li><a href="#${operation.operationId}">${methodHtml(method)} ${pathHtml(path)}</a></li>`,
      )
      return `<p><a href="#${idOf(name)}">${escapeHtml(name)}</a></p>\n<ul>${items.join('')}</ul>`
    })
    .join('\n')
}

function groupsOf({ tags, paths }: ApiDocument) {
  const placed = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Placed => ({ method, path, operation })),
  )
  return tags.map(({ name, description }) => ({
    name,
    description,
    operations: placed.filter(({ operation }) => operation.tags.includes(name)),
  }))
}

function operationHtml(placed: Placed, { canBeTried }: ReferenceOptions): string {
  const { method, path, operation } = placed
  const { operationId, summary, parameters = [], requestBody, responses } = operation
  return `<article aria-labelledby="${operationId}">
<h3 id="${operationId}">${methodHtml(method)} ${pathHtml(path)}</h3>
<p>${wordsHtml(summary)}</p>
<p class="access">${accessOf(operation)}</p>
${parameters.length === 0 ? '' : `<h4>Parameters</h4>\n<dl>${parameters.map(parameterHtml).join('')}</dl>`}
${requestBody === undefined ? '' : `<h4>Body</h4>\n${contentHtml(requestBody.content)}`}
<h4>Answers</h4>
<dl>${Object.entries(responses).map(responseHtml).join('')}</dl>
${canBeTried ? tryForm(placed) : ''}
</article>`
}

function accessOf({ security }: Operation): string {
  const [needed] = security
  if (needed === undefined) return 'Without a token.'
  const scopes = Object.values(needed).flat()
  if (scopes.length === 0) return 'With a token of any permission.'
  return `Permission ${scopes.map((scope) => `<code>${escapeHtml(scope)}</code>`).join(', ')}.`
}

function parameterHtml(parameter: Parameter): string {
  const { name, required, description, schema } = parameter
  const need = required === true ? 'required' : 'optional'
  const words = [description, schema.description].flatMap((text) => (text === undefined ? [] : [wordsHtml(text)]))
  return `<dt><code>${escapeHtml(name)}</code> <span class="need">${escapeHtml(parameter.in)}, ${need}</span></dt>
<dd><span class="type">${typeHtml(schema)}</span> ${words.join(' ')}</dd>`
}

function responseHtml([status, { description, content = {} }]: [string, Response]): string {
  return `<dt><code>${status}</code> ${wordsHtml(description)}</dt>\n<dd>${contentHtml(content)}</dd>`
}

function contentHtml(content: Content): string {
  return Object.entries(content)
    .map(([type, { schema, example }]) => {
      if (schema?.$ref !== undefined) return `<p><code>${escapeHtml(type)}</code>: ${typeHtml(schema)}</p>`
      const shown = schema === undefined ? '<p class="type">any JSON</p>' : schemaHtml(schema)
      const sample =
        example === undefined
          ? ''
          : `<pre tabindex="0"><code>${escapeHtml(JSON.stringify(example, null, 2))}</code></pre>`
      return `<details><summary><code>${escapeHtml(type)}</code></summary>${shown}${sample}</details>`
    })
    .join('\n')
}

function methodHtml(method: string): string {
  return `<span class="method ${method}">${method.toUpperCase()}</span>`
}

/** A long path may break before a slash. */
function pathHtml(path: string): string {
  return `<code>${escapeHtml(path).replaceAll('/', '<wbr>/')}</code>`
}

function idOf(tag: string): string {
  return `tag-${tag.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`
}
