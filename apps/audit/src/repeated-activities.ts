/** INV-7: activities hold each public event once. */
import type { Activity } from '@streampay/domain'
import { coordinates, type Finding, type Located } from './cut.ts'

export function* repeatedActivities(activities: readonly Located<Activity>[]): Iterable<Finding> {
  const seen = new Map<string, Located<Activity>>()
  for (const activity of activities) {
    const event = eventOf(activity)
    const earlier = seen.get(event)
    if (earlier !== undefined) {
      yield {
        invariant: 'INV-7',
        message: `activity ${event} is on the log twice`,
        record: `${coordinates(earlier)}, ${coordinates(activity)}`,
      }
    }
    seen.set(event, activity)
  }
}

export function eventOf({ value }: Located<Activity>): string {
  return `${value.type} ${value.id}`
}
