import { readTraceparent } from '@streampay/process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTracing } from '../src/commands/tracing.ts'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const limits = { tracesPerSecond: 3, tracesPerSecondOfOne: 2 }
const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

describe('tracing', () => {
  function opened({ hasTopic = true } = {}) {
    const { spanTopic: _, ...gateway } = testGateway(limits)
    return openTracing({
      gateway: { ...gateway, ...(hasTopic ? { spanTopic: 'spans' } : {}) },
      service: 'gateway',
      sender: { add: () => undefined },
      clock: { elapsed: () => 0 },
    })
  }
  const isSampled = (text: string) => readTraceparent(text)?.isSampled

  it('samples so many a second, of one person fewer', () => {
    const tracing = opened()
    const of = (subject: string) => isSampled(tracing.begin(undefined, subject).traceparent)
    expect(['ada', 'ada', 'ada', 'bob', 'cid'].map(of)).toEqual([true, true, false, true, false])
  })

  it('continues with the trace of a client, without the flag when there is no room: then with a parent id of its own', () => {
    const tracing = opened()
    const begun = Array.from({ length: 3 }, () => tracing.begin(traceparent, 'ada').traceparent)
    expect(begun.slice(0, 2)).toEqual([traceparent, traceparent])
    expect(begun[2]).toMatch(/^00-a{32}-(?!b{16})[0-9a-f]{16}-00$/)
  })

  it('leaves alone what a client does not want sampled', () => {
    const unsampled = traceparent.replace(/01$/, '00')
    expect(opened().begin(unsampled, 'ada').traceparent).toBe(unsampled)
  })

  it.each([[''], ['nonsense'], [[traceparent, traceparent]]])('begins a trace in place of %s', (header) => {
    expect(opened().begin(header, 'ada').traceparent).toMatch(/^00-(?!a{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  })

  it('hands the flag on, and sets none, where there is no topic of spans', () => {
    const tracing = opened({ hasTopic: false })
    expect(tracing.begin(traceparent, 'ada').traceparent).toBe(traceparent)
    expect(isSampled(tracing.begin(undefined, 'ada').traceparent)).toBe(false)
  })
})

describe('spans', () => {
  const definition = testGateway()
  let surroundings: Surroundings
  let gateway: TestGateway
  let token: string

  beforeAll(async () => {
    surroundings = await openSurroundings(definition)
    gateway = await openTestGateway(definition, surroundings)
    token = await surroundings.issuer.token('ada', 'write read')
    surroundings.replier.answering = () => ({ status: 200, body: { done: true } })
  })
  afterAll(async () => {
    await gateway.close()
    await surroundings.close()
  })

  type SpanRow = { traceId: string; service: string; source: { topic: string }; steps: { step: string; at: number }[] }
  const spansOf = async (bearer: string) =>
    ((await gateway.http2.call('/spans', { token: bearer })).json() as { items: SpanRow[] }).items

  it('tell the person when a command was received, on the log, replied to and answered', async () => {
    const from = Date.now()
    await gateway.http2.call('/do', { token, body: { what: 'it' }, headers: { traceparent } })
    await expect.poll(() => spansOf(token)).toHaveLength(1)
    const [span] = await spansOf(token)
    expect(span).toMatchObject({ traceId: 'a'.repeat(32), service: 'test', source: { topic: 'commands', offset: 0 } })
    const steps = span?.steps ?? []
    expect(steps.map(({ step }) => step).sort()).toEqual(['acknowledged', 'answered', 'received', 'replied'])
    expect([steps[0]?.step, steps.at(-1)?.step]).toEqual(['received', 'answered'])
    const times = steps.map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[0]).toBeGreaterThanOrEqual(from - 2)
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now() + 2)
  })

  it('are the person’s own, and there are none of a command that is not sampled', async () => {
    const bob = await surroundings.issuer.token('bob', 'write read')
    const unsampled = traceparent.replaceAll('a', 'c').replace(/01$/, '00')
    await gateway.http2.call('/do', { token: bob, body: { what: 'it' }, headers: { traceparent: unsampled } })
    await gateway.http2.call('/do', { token: bob, body: { what: 'it' } })
    await expect.poll(() => spansOf(bob)).toHaveLength(1)
    expect((await spansOf(bob))[0]?.traceId).not.toMatch(/^[ac]{32}$/)
  })

  it('tell when a view showed a record of the trace to its owner', async () => {
    const before = (await spansOf(token)).length
    const of = (value: string) => ({ 'x:identity': 'ada', traceparent: value })
    await surroundings.log.put('entries', 'ada', { n: 1 }, of(traceparent.replace(/01$/, '00')))
    await surroundings.log.put('entries', 'ada', { n: 2 }, of(traceparent))
    await expect.poll(() => spansOf(token)).toHaveLength(before + 1)
    const [span] = await spansOf(token)
    expect(span?.source).toMatchObject({ topic: 'entries', offset: 1 })
    expect(span?.steps.map(({ step }) => step)).toEqual(['shown'])
  })
})
