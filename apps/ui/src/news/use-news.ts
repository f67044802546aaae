import { computed, watch } from 'vue'
import { useRoute } from 'vue-router'
import { useLive } from '../live/use-live.ts'
import { usePeople } from '../stores/people.ts'
import { useRequests } from '../stores/requests.ts'
import { useWallet } from '../stores/wallet.ts'
import { chime } from './chime.ts'
import { type News, NewsReader, type Own } from './news.ts'
import { withSound } from './news-settings.ts'
import { wordsOfNews } from './news-words.ts'
import { createNotes } from './notes.ts'
import { useUnseen } from './use-unseen.ts'

/**
 * Tells what others do that concerns me, on every page: as a note on the page, in the tab's title and icon while the page is hidden, and by
 * sound and system notification if the person switched these on. It is used once, in the frame around the pages.
 */
export function useNews() {
  const wallet = useWallet()
  const requests = useRequests()
  const people = usePeople()
  const route = useRoute()
  const notes = createNotes(people.nameOf)
  const unseen = useUnseen()
  const reader = new NewsReader()
  const views = [wallet.entriesView, requests.receivedView, requests.sentView] as const
  useLive(...views)

  const own = computed<Own>(() => ({ entries: wallet.entries, received: requests.received, sent: requests.sent }))
  const areSettled = computed(() => views.every(({ isSettled }) => isSettled.value))
  /** The people I dealt with before the news that is told now. */
  let dealtWith: ReadonlySet<string> = new Set()
  watch([areSettled, own], () => {
    if (!areSettled.value) return
    const known = dealtWith
    dealtWith = peopleOf(own.value)
    for (const news of reader.look(own.value)) void tell(news, known)
  })

  async function tell(news: News, known: ReadonlySet<string>) {
    const person = otherPartyOf(news)
    // If the name can't be read, the news is told with the account id.
    await people.fetchAll([person]).catch(() => undefined)
    const words = wordsOfNews(news, people.nameOf)
    // The page of that payment or request shows it by itself.
    if (route.path === words.to.split('?')[0] && !document.hidden) return
    if (news.kind === 'received' && !known.has(person)) notes.showStranger(news.entry, words)
    else notes.show(words)
    unseen.note(words)
    if (withSound.value) void chime()
  }

  return notes
}

function peopleOf({ entries, received, sent }: Own): ReadonlySet<string> {
  return new Set([
    ...entries.map(({ counterparty }) => counterparty),
    ...received.map(({ requester }) => requester),
    ...sent.map(({ debtor }) => debtor),
  ])
}

function otherPartyOf(news: News): string {
  if (news.kind === 'received') return news.entry.counterparty
  const { kind, request } = news
  return kind === 'asked' || kind === 'reminded' || kind === 'withdrawn' ? request.requester : request.debtor
}
