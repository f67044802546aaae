import { expect, it } from 'vitest'
import { type Moment, moments, onMoment, tellMoment } from '../src/index.ts'

it('go to a listener in their order, from its subscription on', () => {
  const told: Moment[] = []
  expect(moments.hasSubscribers).toBe(false)
  tellMoment({ step: 'woken' })
  const stop = onMoment((moment) => told.push(moment))
  expect(moments.hasSubscribers).toBe(true)
  tellMoment({ step: 'asked', id: 'a' })
  tellMoment({ step: 'answered', id: 'a' })
  expect(told).toEqual([
    { step: 'asked', id: 'a' },
    { step: 'answered', id: 'a' },
  ])
  stop()
  expect(moments.hasSubscribers).toBe(false)
})
