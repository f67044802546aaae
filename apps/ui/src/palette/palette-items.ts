import type { User } from '../api/types.ts'
import { startOfTrace } from '../console/trace.ts'
import { t } from '../i18n/pages.ts'

/** The items of the palette: pages, ids as they are typed, topics, people. */
export type PaletteItem = {
  /** The most items of all groups together. */
  readonly id: string
  readonly label: string
  readonly detail?: string
  readonly icon: string
  readonly to: string
}

export type PaletteGroup = { readonly name: string; readonly items: readonly PaletteItem[] }

export type PalettePage = {
  readonly to: string
  readonly label: string
  readonly icon: string
  readonly words?: string
}

const mostTopics = 6

export type PaletteKnown = {
  readonly text: string
  readonly pages: readonly PalettePage[]
  /** Names of topics; empty for people who may not see them. */
  readonly topics: readonly string[]
  readonly people: readonly User[]
  /** Whether the person may see records and the way of an id. */
  readonly seesLog: boolean
}

/** The groups in their order: exact matches first. Groups without items are left out. */
export function paletteGroups({ text, pages, topics, people, seesLog }: PaletteKnown): readonly PaletteGroup[] {
  const wanted = text.trim()
  const has = (candidate: string) => candidate.toLowerCase().includes(wanted.toLowerCase())
  const matching = topics.filter((name) => wanted !== '' && has(name)).slice(0, mostTopics)
  return [
    { name: t('palette.ids'), items: [...idItems(wanted, seesLog), ...(seesLog ? placeItems(wanted, topics) : [])] },
    {
      name: t('palette.pages'),
      items: pages.filter(({ label, words = '' }) => has(label) || has(words)).map(pageItem),
    },
    { name: t('titles.topics'), items: matching.map(topicItem) },
    { name: t('palette.people'), items: people.map(personItem) },
  ].filter(({ items }) => items.length > 0)
}

/** The id of a payment is t, of a request r, and then the coordinates of its command; a correlation id is a UUID. */
function idItems(id: string, seesLog: boolean): PaletteItem[] {
  const start = startOfTrace(id)
  if (start === undefined) return []
  const own =
    start.kind !== 'command'
      ? []
      : id.startsWith('t')
        ? [{ id: 'payment', label: t('palette.payment', { id }), icon: 'i-lucide-receipt', to: `/payments/${id}` }]
        : [{ id: 'request', label: t('palette.request', { id }), icon: 'i-lucide-inbox', to: `/requests/${id}` }]
  const trace = {
    id: 'trace',
    label: t('palette.follow', { id }),
    icon: 'i-lucide-route',
    to: `/trace/${encodeURIComponent(id)}`,
  }
  return seesLog ? [...own, trace] : own
}

/** `commands/1/45` and `commands 1:45` name a record. */
function placeItems(text: string, topics: readonly string[]): PaletteItem[] {
  const [, topic = '', partition, offset] = /^([\w.-]{1,249})(?:\/|\s+)(\d{1,4})[/:](\d{1,15})$/.exec(text) ?? []
  if (!topics.includes(topic)) return []
  const to = `/topics/${encodeURIComponent(topic)}?record=${partition}:${offset}`
  const label = t('palette.record', { topic, place: `${partition}:${offset}` })
  return [{ id: 'record', label, icon: 'i-lucide-file-json', to }]
}

function pageItem({ to, label, icon }: PalettePage): PaletteItem {
  return { id: `page-${to}`, label, icon, to }
}

function topicItem(name: string): PaletteItem {
  return { id: `topic-${name}`, label: name, icon: 'i-lucide-terminal', to: `/topics/${encodeURIComponent(name)}` }
}

function personItem({ id, name, username }: User): PaletteItem {
  const to = `/send?to=${encodeURIComponent(id)}`
  const detail = t('palette.payOrRequest', { username })
  return { id: `person-${id}`, label: name, detail, icon: 'i-lucide-user-round', to }
}
