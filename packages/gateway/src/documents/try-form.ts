/** The form that tries an operation: a field for each parameter, and one for the body. api-page.client.js sends it. */
import type { Parameter, Placed } from './api-document.ts'
import { escapeHtml } from './html.ts'

/** These headers follow from the chosen form of the response, or from the body. */
const saidElsewhere: ReadonlySet<string> = new Set(['Last-Event-ID'])

export function tryForm({ method, path, operation }: Placed): string {
  const { operationId, parameters = [], requestBody, responses } = operation
  const example = requestBody?.content['application/json']?.example
  const types = Object.keys(responses['200']?.content ?? {})
  const body = example === undefined ? '{}' : JSON.stringify(example, null, 2)
  return `<details class="try"><summary>Try it</summary>
<form data-method="${method.toUpperCase()}" data-path="${escapeHtml(path)}" aria-labelledby="${operationId}">
${parameters
  .filter(({ name }) => !saidElsewhere.has(name))
  .map(fieldOf)
  .join('\n')}
${requestBody === undefined ? '' : `<label>Body<textarea name="body" rows="6" spellcheck="false">${escapeHtml(body)}</textarea></label>`}
${types.length < 2 ? '' : choiceOf(types)}
<p class="buttons"><button type="submit">Send</button><button type="button" data-stop hidden>Stop</button></p>
<output></output>
<pre tabindex="0" hidden></pre>
</form>
</details>`
}

function fieldOf(parameter: Parameter): string {
  const { name, required } = parameter
  const attributes = [
    `name="${escapeHtml(`${parameter.in}:${name}`)}"`,
    ...(required === true ? ['required'] : []),
    ...(name === 'Idempotency-Key' ? ['data-new-key'] : []),
  ]
  return `<label>${escapeHtml(name)} <span class="need">${parameter.in}</span><input ${attributes.join(' ')} autocomplete="off" spellcheck="false"></label>`
}

function choiceOf(types: readonly string[]): string {
  const options = types.map((type) => `<option>${escapeHtml(type)}</option>`)
  return `<label>Accept<select name="header:Accept">${options.join('')}</select></label>`
}
