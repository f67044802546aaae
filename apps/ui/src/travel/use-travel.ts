import type { Span } from '@streampay/domain'
import { onUnmounted, ref, shallowRef } from 'vue'
import { type Words, wordsOf } from '../api/problems.ts'
import type { TopicRecord } from '../api/types.ts'
import { wait } from '../api/wait.ts'
import { now } from '../app/clock.ts'
import { readPage } from '../console/read-page.ts'
import { followTrace, readSpans, startOfTrace } from '../console/trace.ts'
import { allows } from '../session/session.ts'
import { timesOf } from './own-times.ts'
import { readOwnSpans } from './read-spans.ts'
import { isWhole, type Travel, travelOf } from './travel.ts'

/** The spans of a command that was just sent are not written yet: they are read again this many times. */
const mostLooks = 12
const lookEveryMs = 400
const youngMs = 15_000

type Found = { readonly spans: readonly Span[]; readonly records: readonly TopicRecord[] }

/**
 * The way of the command of a transfer or request id: from the log if the person may read it, if not from my own spans.
 */
export function useTravel() {
  const travel = shallowRef<Travel | undefined>()
  const state = ref<'loading' | 'found' | 'nothing' | 'notAnId' | 'failed'>('loading')
  const words = shallowRef<Words | undefined>()
  let newest = ''
  onUnmounted(() => {
    newest = ''
  })

  /** @param at ms since the epoch: the time of the command, if it is known */
  async function load(id: string, at: number | undefined): Promise<void> {
    newest = id
    travel.value = undefined
    words.value = undefined
    const start = startOfTrace(id)
    state.value = start?.kind === 'command' ? 'loading' : 'notAnId'
    if (start?.kind !== 'command') return
    try {
      let found = await look(start, at)
      for (let looks = 1; id === newest; looks += 1) {
        show(id, found)
        if (looks === mostLooks || isWhole(found.spans) || !isYoung(found, at)) return
        await wait(lookEveryMs)
        found = await lookAgain(start, at, found)
      }
    } catch (error) {
      if (id !== newest) return
      words.value = wordsOf(error)
      state.value = travel.value === undefined ? 'failed' : 'found'
    }
  }

  function show(id: string, found: Found) {
    travel.value = travelOf({ ...found, own: timesOf(id) })
    state.value = travel.value === undefined ? 'nothing' : 'found'
  }

  return { travel, state, words, load }
}

type Place = { readonly kind: 'command'; readonly partition: number; readonly offset: number }

async function look(start: Place, at: number | undefined): Promise<Found> {
  if (!allows('read:console')) return { spans: await readOwnSpans(start, at), records: [] }
  const followed = await followTrace(start, readPage)
  return followed.kind === 'found' ? followed.trace : { spans: [], records: [] }
}

/** The records of a command are there as soon as it is answered; more spans may follow. */
async function lookAgain(start: Place, at: number | undefined, before: Found): Promise<Found> {
  const [command] = before.records
  if (command === undefined || before.spans.length === 0) return look(start, at)
  return { ...before, spans: await readSpans(command, readPage) }
}

function isYoung({ records, spans }: Found, at: number | undefined): boolean {
  const time = records[0]?.timestamp ?? spans[0]?.steps[0]?.at ?? at
  return time !== undefined && now() - time < youngMs
}
