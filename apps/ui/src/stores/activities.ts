import { defineStore } from 'pinia'
import { computed, markRaw } from 'vue'
import type { Activity } from '../api/types.ts'
import { visibleText } from '../app/visible-text.ts'
import { createLiveView } from '../live/live-view.ts'

const shown = 60

/** The public activities, live, with names and amounts, newest first. */
export const useActivities = defineStore('activities', () => {
  const view = markRaw(
    createLiveView<Activity>({
      url: `/activities?last=${shown}`,
      scope: 'read:activities',
      // After the page was hidden, only the newest activities of that time are shown.
      resumes: false,
      key: ['type', 'id'],
      compare: (left, right) => right.at - left.at || (left.id < right.id ? 1 : -1),
      maxItems: shown,
      tidy: (activity) => ({
        ...activity,
        fromName: visibleText(activity.fromName),
        toName: visibleText(activity.toName),
      }),
    }),
  )
  const items = computed(() => view.items.value)
  return { view, items }
})
