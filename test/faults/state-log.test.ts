import { describe, expect, it } from 'vitest'
import { StateLog } from './state-log.ts'

const line = (fields: object) => `${JSON.stringify({ level: 40, time: 1, ...fields })}\n`
const ofStreams = line({
  application: 'streampay-payments',
  slot: 0,
  why: 'its format is "a", but "b" is needed',
  msg: 'the folder of the local state was wiped; it is rebuilt from the log',
})
const ofGateway = line({
  folder: '/state/gateway',
  reason: 'its data file is missing',
  msg: 'the state of the views is rebuilt from the log',
})

describe('what a process logs of its state', () => {
  it('is read from its log, however that is divided into chunks', () => {
    const text = Buffer.from(`${line({ msg: 'ready' })}${ofStreams}no JSON\n${ofGateway}`)
    for (const size of [1, 7, text.length]) {
      const log = new StateLog()
      for (let from = 0; from < text.length; from += size) log.read(text.subarray(from, from + size))
      expect(log.wipes).toEqual([
        { application: 'streampay-payments', reason: 'its format is "a", but "b" is needed' },
        { application: undefined, reason: 'its data file is missing' },
      ])
      expect(log.failures).toEqual([])
    }
  })

  it('includes failures, not only what was wiped', () => {
    const log = new StateLog()
    log.read(Buffer.from(line({ err: { code: 'STREAMS_STATE_FAILED', message: 'The local state could not be read' } })))
    log.read(Buffer.from('LocalStoreError: LOCAL_STORE_LOCKED\n'))
    expect(log.failures).toHaveLength(2)
  })
})
