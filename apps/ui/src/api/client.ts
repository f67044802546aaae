import { newKey, now } from '../app/clock.ts'
import { tokenSource } from '../session/session.ts'
import { createCommands } from './commands.ts'
import { createHttp } from './http.ts'
import { createIntents } from './intents.ts'

/** The wallet's connection to its gateway: one of each, with the session's tokens and the tab's storage. */
export const http = createHttp(tokenSource)
export const intents = createIntents({ storage: sessionStorage, now, newKey })
export const commands = createCommands({
  http,
  intents,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
})
