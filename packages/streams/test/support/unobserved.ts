/** What a runtime is given that nobody watches: a log that says nothing, and metrics that nobody asks for. */
import { pino } from 'pino'
import { Registry } from 'prom-client'

export const silent = pino({ level: 'silent' })

/** One for all: to make the metrics anew for each of very many runtimes takes its time. */
export const sharedRegistry = new Registry()
