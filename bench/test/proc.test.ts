import { describe, expect, it } from 'vitest'
import { Children } from '../harness/children.ts'
import { heapMbOf, tellingHeaps } from '../harness/heaps.ts'
import { canMeter, startMeter } from '../harness/meter.ts'
import { cpuMsFrom, cpuMsOf, megabytesFrom, memoryOf } from '../harness/proc.ts'

/** Field 14 is 123 ticks of user time, field 15 45 ticks of system time. */
const fieldsFromState = 'S 1 2 3 0 -1 4194304 100 200 0 0 123 45 6 7 20 0 11 0 999 1 2'

describe('what /proc reports about a process', () => {
  it('reads user and system time in ms', () => {
    expect(cpuMsFrom(`4711 (node) ${fieldsFromState}\n`)).toBe(1_680)
  })

  it('is not misled by spaces and brackets in the name of the program', () => {
    expect(cpuMsFrom(`4711 (a) b (c) 9) ${fieldsFromState}`)).toBe(1_680)
  })

  it('refuses a text that is no such line', () => {
    expect(() => cpuMsFrom('')).toThrow('is not a line of /proc')
    expect(() => cpuMsFrom('4711 (node) S 1 2')).toThrow('is not a line of /proc')
  })

  it('reads a line in kB as megabytes, of the very name that was asked for', () => {
    const text = 'RssAnon:\t  999424 kB\nPss_Anon:     1024 kB\nPss:              2048 kB\n'
    expect(megabytesFrom(text, 'Pss')).toBe(2)
    expect(megabytesFrom(text, 'RssAnon')).toBe(976)
    expect(() => megabytesFrom(text, 'Swap')).toThrow('no line "Swap"')
  })
})

describe.runIf(canMeter)('metering a process of this machine', () => {
  it('counts the time of all threads, and memory', () => {
    const meter = startMeter({ self: process.pid })
    const { user: before } = process.cpuUsage()
    while (process.cpuUsage().user - before < 60_000);
    const { self } = meter.end(2)
    expect(self?.cpuMs).toBeGreaterThanOrEqual(50)
    expect(self?.cpuMsPerUnit).toBe((self?.cpuMs ?? 0) / 2)
    expect(self?.anonymousMb).toBeGreaterThan(1)
    expect(self?.pssMb).toBeGreaterThan(1)
  })

  it('reports that a process has ended instead of counting nothing', () => {
    const nobody = 2 ** 22 + 1
    expect(cpuMsOf(nobody)).toBeUndefined()
    expect(memoryOf(nobody)).toBeUndefined()
    expect(() => startMeter({ gone: nobody })).toThrow(`gone (pid ${nobody}) ended while it was measured`)
  })
})

describe('the heap of a process', () => {
  it('is written by each process that is started, until the end', async () => {
    const end = tellingHeaps()
    const children = new Children()
    const fill = 'globalThis.kept = Array.from({ length: 2e6 }, (_, n) => n + " of many");'
    const full = await children.node(['-e', `${fill} setTimeout(() => process.send({ type: "told" }), 600)`])
    await full.message('told')
    expect(heapMbOf(full.pid)).toBeGreaterThan(60)
    expect(heapMbOf(full.pid)).toBeLessThan(600)
    await children.endAll()
    end()
    expect(heapMbOf(full.pid)).toBeUndefined()
  })
})
