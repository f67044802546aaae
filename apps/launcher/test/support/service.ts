/**
 * A service for the tests of the launcher. It writes its events to the file EVENTS; with FAIL it can't start, with STUBBORN it ignores
 * SIGTERM, with WARNING it sends that as a warning. Its first message ends with its NO_PROXY.
 */
import { appendFileSync } from 'node:fs'

const { NAME = '', EVENTS = '', FAIL, STUBBORN, WARNING, NO_PROXY } = process.env
const tell = (event: string) => appendFileSync(EVENTS, `${NAME} ${event}\n`)

if (FAIL !== undefined) {
  console.error('some warning')
  console.error(FAIL)
  process.exit(1)
}

tell('start')
console.error('a warning of a dependency')
console.log(`hello from ${NAME}, which asks no proxy for ${NO_PROXY}`)
process.on('SIGTERM', () => {
  tell('SIGTERM')
  if (STUBBORN === undefined) process.exit(0)
})
process.on('disconnect', () => {
  tell('disconnect')
  process.exit(0)
})
process.send?.({ type: 'ready', detail: `service ${NAME}` })
if (WARNING !== undefined) process.send?.({ type: 'warning', text: WARNING })
