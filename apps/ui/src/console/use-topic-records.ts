import { computed, onUnmounted, ref, shallowRef, watch } from 'vue'
import type { TopicRecord } from '../api/types.ts'
import { trackStream } from '../live/connection.ts'
import { type LiveStream, openStream, type StreamState } from '../live/live-stream.ts'
import type { Trouble } from '../live/live-view.ts'
import { tokenSource } from '../session/session.ts'
import type { RecordFilter } from './record-filter.ts'
import { emptyTail, isFull, pause, type RecordTail, refilter, resume, take } from './record-tail.ts'

/** Where reading starts: `beginning`, `end`, `offset:N` or `time:MS`. */
export type StartAt = string

/** The records of one topic as they come, with pause, filter and a choice of start. */
export function useTopicRecords(topic: () => string) {
  const tail = shallowRef<RecordTail>(emptyTail)
  const filter = ref<RecordFilter>({ text: '', field: 'any', partition: undefined })
  const state = ref<StreamState>('connecting')
  let stream: LiveStream | undefined
  let tracked: ReturnType<typeof trackStream> | undefined

  function start(from: StartAt, partition: number | undefined) {
    stop()
    tail.value = emptyTail
    state.value = 'connecting'
    const query = new URLSearchParams({ from })
    if (partition !== undefined) query.set('partition', String(partition))
    const tracking = trackStream(() => !isFull(tail.value) && stream?.reconnect())
    tracked = tracking
    stream = openStream({
      url: `/console/topics/${encodeURIComponent(topic())}/records?${query}`,
      tokens: tokenSource,
      onRecords(records) {
        tail.value = take(tail.value, records as readonly TopicRecord[], filter.value)
        // Nothing is lost by pausing: a full buffer stops reading, and reading goes on from the same position.
        if (tail.value.isPaused && isFull(tail.value)) stream?.hold()
      },
      onReset() {
        tail.value = emptyTail
      },
      onState(next) {
        state.value = next
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
    tail.value = resume(tail.value, filter.value)
    if (wasFull) stream?.reconnect()
  }

  watch(filter, (next) => {
    tail.value = refilter(tail.value, next)
  })
  onUnmounted(stop)

  function retry() {
    stream?.retry()
  }

  const trouble = computed<Trouble | undefined>(() => {
    if (tail.value.seen > 0) return undefined
    if (state.value === 'refused') return 'refused'
    return state.value === 'reconnecting' ? 'failed' : undefined
  })
  const isLoading = computed(() => tail.value.seen === 0 && state.value === 'connecting')

  return { tail, filter, state, trouble, isLoading, start, togglePause, retry }
}
