import { computed, onMounted, onUnmounted, ref, shallowRef, watch } from 'vue'
import type { TopicRecord } from '../api/types.ts'
import { now } from '../app/clock.ts'
import { trackStream } from '../live/connection.ts'
import { type LiveStream, openStream, type StreamState } from '../live/live-stream.ts'
import type { Trouble } from '../live/live-view.ts'
import { tokenSource } from '../session/session.ts'
import type { Matches } from './record-matcher.ts'
import { countRates, noRates } from './record-rates.ts'
import { emptyTail, isFull, pause, type RecordTail, refilter, resume, take } from './record-tail.ts'

export type TopicStart = {
  /** As the gateway takes it: `newest:N`, `end`, `beginning`, `offset:N` or `time:MS`. */
  readonly from: string
  /** The partition; undefined for all. */
  readonly partition: number | undefined
}

/** The records of one topic as they arrive, with pause, filter and a choice of start. */
export function useTopicRecords(topic: () => string, matches: () => Matches) {
  const tail = shallowRef<RecordTail>(emptyTail)
  const state = ref<StreamState>('connecting')
  /** Whether the records that existed at the start have come: all later ones are new. */
  const isCaughtUp = ref(false)
  const rates = shallowRef(noRates(now()))
  let stream: LiveStream | undefined
  let tracked: ReturnType<typeof trackStream> | undefined
  let clock: ReturnType<typeof setInterval> | undefined

  function start({ from, partition }: TopicStart) {
    stop()
    tail.value = emptyTail
    state.value = 'connecting'
    isCaughtUp.value = false
    rates.value = noRates(now())
    const query = new URLSearchParams({ from })
    if (partition !== undefined) query.set('partition', String(partition))
    const tracking = trackStream(() => !isFull(tail.value) && stream?.reconnect())
    tracked = tracking
    stream = openStream({
      url: `/console/topics/${encodeURIComponent(topic())}/records?${query}`,
      tokens: tokenSource,
      onRecords(arrived) {
        const records = arrived as readonly TopicRecord[]
        if (isCaughtUp.value) rates.value = countRates(rates.value, records, now())
        tail.value = take(tail.value, records, matches())
        // Nothing is lost by pausing: a full buffer stops reading, and reading goes on from the same position.
        if (tail.value.isPaused && isFull(tail.value)) stream?.hold()
      },
      onReset() {
        tail.value = emptyTail
      },
      onSettled() {
        isCaughtUp.value = true
      },
      onState(next) {
        state.value = next
        // Records missed in the pause arrive at once, and would distort the rate.
        if (next !== 'live') isCaughtUp.value = false
        tracking.report(next === 'closed' ? 'closed' : next)
      },
    })
  }

  function stop() {
    stream?.close()
    tracked?.forget()
    stream = undefined
  }

  function togglePause() {
    if (!tail.value.isPaused) {
      tail.value = pause(tail.value)
      return
    }
    const wasFull = isFull(tail.value)
    tail.value = resume(tail.value, matches())
    if (wasFull) stream?.reconnect()
  }

  watch(matches, (next) => {
    tail.value = refilter(tail.value, next)
  })
  onMounted(() => {
    clock = setInterval(() => {
      rates.value = countRates(rates.value, [], now())
    }, 1_000)
  })
  onUnmounted(() => {
    stop()
    clearInterval(clock)
  })

  function retry() {
    stream?.retry()
  }

  const trouble = computed<Trouble | undefined>(() => {
    if (tail.value.seen > 0) return undefined
    if (state.value === 'refused') return 'refused'
    return state.value === 'reconnecting' ? 'failed' : undefined
  })
  const isLoading = computed(() => tail.value.seen === 0 && !isCaughtUp.value && trouble.value === undefined)

  return { tail, rates, state, trouble, isLoading, start, togglePause, retry }
}
