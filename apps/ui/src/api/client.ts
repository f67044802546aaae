import { shallowRef } from 'vue'
import { newKey, now } from '../app/clock.ts'
import { tokenSource } from '../session/session.ts'
import { noteTimes, preciseNow } from '../travel/own-times.ts'
import { createCommands } from './commands.ts'
import { createHttp } from './http.ts'
import { createIntents } from './intents.ts'
import { wait } from './wait.ts'

/**
 * The wallet's connection to its gateway: one instance of each part, with the session's tokens and the tab's storage.
 */
export const http = createHttp(tokenSource)
/** Counts the changes of what {@link intents} keeps. */
export const intentsVersion = shallowRef(0)
export const intents = createIntents({
  storage: sessionStorage,
  now,
  newKey,
  onChange() {
    intentsVersion.value += 1
  },
})
export const commands = createCommands({
  http,
  intents,
  wait,
  preciseNow,
  onTimed: noteTimes,
})
