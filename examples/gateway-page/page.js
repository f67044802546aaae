// The whole page: a form that sends the command, and a list that the live view fills.
const { token } = await (await fetch('/config.json')).json()
const authorization = `Bearer ${token}`
const form = document.querySelector('form')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  // One key for each intent: a repetition of it, after a lost answer say, is no second greeting.
  const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
  const body = JSON.stringify({ text: form.elements.text.value })
  const response = await fetch('/greet', { method: 'POST', headers, body })
  document.querySelector('output').textContent = response.ok ? '' : (await response.json()).detail
  if (response.ok) form.reset()
})

// EventSource can't send a token. Events end with an empty line; a greeting is an event without a name.
const stream = await fetch('/greetings', { headers: { authorization, accept: 'text/event-stream' } })
let text = ''
for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
  const events = (text + chunk).split('\n\n')
  text = events.pop()
  for (const event of events) {
    const data = /^data: ?(.*)$/m.exec(event)?.[1]
    if (data === undefined || /^event:/m.test(event)) continue
    const { from, text } = JSON.parse(data)
    const item = document.createElement('li')
    item.textContent = `${from}: ${text}`
    document.querySelector('ul').append(item)
  }
}
