/** The records of a view that one caller may see: the filter of INV-6, in one place. */
import type { Owner, ViewRoute } from '../definition/definition.ts'
import { ownerName, ownerOf, partOf, type ViewRecord } from './view-record.ts'

export type Access = {
  /** The group of records that it reads: an identity, a key, or all. */
  readonly channel: string
  /** Whether all callers of the channel see the same, so that events can be encoded once for all. */
  readonly shared: boolean
  /** Only records of these keys. */
  readonly keys?: ReadonlySet<string>
  /** Whether the record is in the caller's view; never true for a tombstone. */
  readonly shows: (record: ViewRecord) => boolean
}

export type AccessQuery = {
  readonly identity: string
  /** The `{id}` of an item's path. */
  readonly id?: string | undefined
  /** For a directory: the requested keys. */
  readonly keys?: ReadonlySet<string> | undefined
  /** The parts of the query that the route's filters name, and the part of an owner. */
  readonly filters?: Readonly<Record<string, unknown>> | undefined
}

/** The channel of callers who may see all records. */
export const everything = '*'

export function accessOf(route: ViewRoute, { identity, id, keys, filters = {} }: AccessQuery): Access {
  const passes = (record: ViewRecord) => record.value !== null && isWhere(route, record)
  const owners = route.owners ?? []
  if (route.show === 'item') {
    const mine = (record: ViewRecord) => owners.some((owner) => ownerOf(record, owner) === identity)
    return { channel: id ?? '', shared: false, shows: (record) => passes(record) && mine(record) }
  }
  const channel = channelOf(owners, identity, filters)
  if (keys !== undefined) {
    return { channel, shared: false, keys, shows: (record) => keys.has(record.key) && passes(record) }
  }
  const conditions = Object.entries(route.filters ?? {}).filter(([name]) => filters[name] !== undefined)
  const isPicked = (record: ViewRecord) =>
    conditions.every(([name, { header }]) => record.headers[header] === filters[name])
  return { channel, shared: conditions.length === 0, shows: (record) => passes(record) && isPicked(record) }
}

function channelOf([owner]: readonly Owner[], identity: string, query: Readonly<Record<string, unknown>>): string {
  if (owner === undefined) return everything
  if (owner === 'key' || owner.part === undefined) return identity
  return partOf(String(query[owner.part.parameter]), identity)
}

/** The grouping of a table that the view's channels use; undefined if it reads the table as a whole. */
export function groupingOf(route: ViewRoute): string | undefined {
  const [owner] = route.owners ?? []
  return route.show === 'item' || owner === undefined ? undefined : ownerName(owner)
}

/** The group of the table that the access reads. */
export function groupOf({ channel }: Access, grouping: string | undefined): string {
  return grouping === undefined ? everything : channel
}

function isWhere({ where }: ViewRoute, record: ViewRecord): boolean {
  return where === undefined || record.headers[where.header] === where.equals
}
