import type { ServiceDoing, TopologyState } from '@streampay/domain'
import { afterAll, describe, expect, it } from 'vitest'
import { wordsOfDoing } from '../src/break/break-words.ts'
import * as germanTexts from '../src/i18n/de/console.ts'
import { addTexts, i18n } from '../src/i18n/i18n.ts'

addTexts('de', germanTexts)
const { locale } = i18n.global
const usual = locale.value
afterAll(() => {
  locale.value = usual
})

function wordsIn(language: 'en' | 'de', doing: ServiceDoing): string {
  locale.value = language
  return wordsOfDoing(doing)
}

describe('what a service does', () => {
  it.each<[ServiceDoing, string, string]>([
    [{ what: 'opens-log' }, 'starts: opens the log', 'startet: öffnet das Log'],
    [{ what: 'waits-for-log' }, 'starts: waits for the log', 'startet: wartet auf das Log'],
    [{ what: 'serves-connections', count: 1 }, 'serves 1 connection', 'bedient 1 Verbindung'],
    [{ what: 'serves-streams', count: 2 }, 'serves 2 live streams', 'bedient 2 Live-Streams'],
    [{ what: 'processes-partitions', partitions: [0, 3] }, 'processes partitions 0, 3', 'verarbeitet Partitionen 0, 3'],
    [{ what: 'simulates', people: 31, speed: 1 }, '31 virtual people at speed 1', '31 virtuelle Personen mit Tempo 1'],
  ])('is said in the language of the page: %o', (doing, english, german) => {
    expect([wordsIn('en', doing), wordsIn('de', doing)]).toEqual([english, german])
  })

  // The states of a topology were shown by their English names on a German page.
  it.each<TopologyState>(['starting', 'joining', 'restoring', 'closing', 'closed', 'failed'])(
    'is said in words of each language while a topology is %s',
    (state) => {
      const doing = { what: 'changes-state', state } as const
      const words = [wordsIn('en', doing), wordsIn('de', doing)]
      expect(words).not.toContain(state)
      expect(new Set(words).size).toBe(2)
    },
  )
})
