/** What one caller may see of a view: the filter of INV-6, in one place. */
import type { ViewRoute } from '../definition/definition.ts'
import { ownerName, ownerOf, type ViewRecord } from './view-record.ts'

export type Lens = {
  /** The group of records that it looks at: an identity, a key, or all. */
  readonly channel: string
  /** Whether everybody on the channel sees the same, so that events can be encoded once for all. */
  readonly shared: boolean
  /** Whether the record is in the caller's view; never true for a tombstone. */
  readonly shows: (record: ViewRecord) => boolean
}

export type LensQuery = {
  readonly identity: string
  /** The `{id}` of an item's path. */
  readonly id?: string | undefined
  readonly search?: string | undefined
}

/** The channel of those who may see everything. */
export const everything = '*'

export function lensOf(route: ViewRoute, { identity, id, search }: LensQuery): Lens {
  const passes = (record: ViewRecord) => record.value !== null && isWhere(route, record)
  const owners = route.owners ?? []
  if (route.show === 'item') {
    const mine = (record: ViewRecord) => owners.some((owner) => ownerOf(record, owner) === identity)
    return { channel: id ?? '', shared: false, shows: (record) => passes(record) && mine(record) }
  }
  const channel = owners.length === 0 ? everything : identity
  if (search === undefined || search === '') return { channel, shared: true, shows: passes }
  const found = searchOf(route.search ?? [], search)
  return { channel, shared: false, shows: (record) => passes(record) && found(record) }
}

/** The grouping of a table that the view's channels are; undefined if it looks at the table as a whole. */
export function groupingOf(route: ViewRoute): string | undefined {
  const [owner] = route.owners ?? []
  return route.show === 'item' || owner === undefined ? undefined : ownerName(owner)
}

function isWhere({ where }: ViewRoute, record: ViewRecord): boolean {
  return where === undefined || record.headers[where.header] === where.equals
}

function searchOf(members: readonly string[], text: string): (record: ViewRecord) => boolean {
  const wanted = text.toLowerCase()
  return (record) => {
    const value: unknown = JSON.parse(record.value ?? 'null')
    return members.some((member) => {
      const content: unknown = Reflect.get(Object(value), member)
      return typeof content === 'string' && content.toLowerCase().includes(wanted)
    })
  }
}
