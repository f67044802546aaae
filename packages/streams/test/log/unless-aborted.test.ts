import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { unlessAborted } from '../../src/log/unless-aborted.ts'

// A request that was made after the tasks had been taken back, and that then failed, was an unhandled rejection: it ended the process.
describe('an answer that is no longer needed', () => {
  it.each(['before it is asked for', 'while it is waited for'])(
    'may fail without an unhandled rejection, aborted %s',
    async (when) => {
      const unheard: unknown[] = []
      const listener = (error: unknown) => unheard.push(error)
      process.on('unhandledRejection', listener)
      const abort = new AbortController()
      const answer = Promise.withResolvers<never>()
      if (when === 'before it is asked for') abort.abort()
      const waiting = unlessAborted(abort.signal, answer.promise)
      abort.abort()
      await expect(waiting).rejects.toBe(abort.signal.reason)
      answer.reject(new Error('the log is away'))
      await setImmediate()
      process.off('unhandledRejection', listener)
      expect(unheard).toEqual([])
    },
  )
})
