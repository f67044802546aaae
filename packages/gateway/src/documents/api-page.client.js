// The script of /docs: gets a development token, and sends the requests that are tried.

/** More of an answer is not shown: a stream does not end by itself. */
const maxShown = 200_000
const tokenField = document.querySelector('#token')

document.querySelector('#get-token')?.addEventListener('submit', async (event) => {
  event.preventDefault()
  await getToken(event.target)
})
for (const form of document.querySelectorAll('.try form')) {
  for (const key of form.querySelectorAll('[data-new-key]')) key.value = crypto.randomUUID()
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    await send(form)
  })
}
// A list of forty links is in the way on a narrow screen.
if (matchMedia('(width < 64rem)').matches) document.querySelector('nav details').open = false

async function getToken(form) {
  const told = form.querySelector('output')
  told.value = 'Asking …'
  try {
    const response = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
    const answer = await response.json()
    if (response.ok) tokenField.value = answer.access_token
    told.value = response.ok
      ? `The token is valid for ${Math.round(answer.expires_in / 60)} minutes.`
      : `${response.status}: ${answer.error_description ?? answer.error}`
  } catch (error) {
    told.value = `No answer: ${error.message}`
  }
}

async function send(form) {
  const told = form.querySelector('output')
  const shown = form.querySelector('pre')
  const stop = form.querySelector('[data-stop]')
  const abort = new AbortController()
  stop.onclick = () => abort.abort()
  stop.hidden = false
  shown.hidden = true
  told.value = 'Sending …'
  try {
    const response = await fetch(...requestOf(form, abort.signal))
    told.value = `${response.status} ${response.statusText}`.trim()
    await show(response, shown)
  } catch (error) {
    told.value = abort.signal.aborted ? `${told.value}; stopped` : `No answer: ${error.message}`
  }
  stop.hidden = true
}

/** Fields are named by where they go: `path:id`, `query:last`, `header:Accept`, `body`. Empty ones are left out. */
function requestOf(form, signal) {
  const query = new URLSearchParams()
  const headers = new Headers()
  if (tokenField.value !== '') headers.set('authorization', `Bearer ${tokenField.value.trim()}`)
  let { path } = form.dataset
  let body
  for (const [field, value] of new FormData(form)) {
    const [place, name] = [field.split(':', 1)[0], field.slice(field.indexOf(':') + 1)]
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value))
    else if (place === 'body') body = value
    else if (value === '') continue
    else if (place === 'query') query.append(name, value)
    else headers.set(name, value)
  }
  if (body !== undefined) headers.set('content-type', 'application/json')
  const search = query.size === 0 ? '' : `?${query}`
  return [`${path}${search}`, { method: form.dataset.method, headers, body, signal }]
}

async function show(response, shown) {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of chunksOf(response)) {
    text += decoder.decode(chunk, { stream: true })
    shown.textContent = text.slice(0, maxShown)
    shown.hidden = false
    if (text.length > maxShown) break
  }
  if (/json/.test(response.headers.get('content-type') ?? '') && text.length <= maxShown && text !== '')
    shown.textContent = JSON.stringify(JSON.parse(text), null, 2)
}

async function* chunksOf(response) {
  const reader = response.body?.getReader()
  try {
    for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader.read()) yield part.value
  } finally {
    await reader?.cancel()
  }
}
