/** A log and metrics for a runtime in tests that read neither. */
import { pino } from 'pino'
import { Registry } from 'prom-client'

export const silent = pino({ level: 'silent' })

/** One for all: creating the metrics anew for each of very many runtimes takes long. */
export const sharedRegistry = new Registry()
