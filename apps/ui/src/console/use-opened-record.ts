import { shallowRef, watch } from 'vue'
import { type Words, wordsOf } from '../api/problems.ts'
import type { TopicRecord } from '../api/types.ts'
import { t } from '../i18n/console.ts'
import { readPage } from './read-page.ts'
import type { RecordPlace } from './record-place.ts'

/** The record that the address names: one of the loaded records, or read from the log. */
export function useOpenedRecord(
  topic: () => string,
  wanted: () => RecordPlace['record'],
  known: () => readonly TopicRecord[],
) {
  const opened = shallowRef<TopicRecord | undefined>()
  /** Why it can't be shown. */
  const fault = shallowRef<Words | undefined>()

  async function open(place: RecordPlace['record']): Promise<void> {
    fault.value = undefined
    const isIt = ({ partition, offset }: TopicRecord) => partition === place?.partition && offset === place?.offset
    opened.value = place === undefined ? undefined : known().find(isIt)
    if (place === undefined || opened.value !== undefined) return
    const { partition, offset } = place
    try {
      const { items } = await readPage(topic(), { from: `offset:${offset}`, partition, limit: 1 })
      if (wanted() !== place) return
      opened.value = items.find(isIt)
      if (opened.value !== undefined) return
      const detail = t('records.noSuchRecordDetail', { partition: String(partition), offset: String(offset) })
      fault.value = { title: t('records.noSuchRecord'), detail }
    } catch (error) {
      if (wanted() === place) fault.value = wordsOf(error)
    }
  }

  watch(
    wanted,
    (next, before) => {
      if (next?.partition !== before?.partition || next?.offset !== before?.offset) void open(next)
    },
    { immediate: true },
  )

  return { opened, fault }
}
