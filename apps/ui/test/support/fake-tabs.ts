/** Tabs of one browser, with hubs and a gateway in this process. */
import type { TokenSource } from '../../src/api/http.ts'
import type { StreamFault, StreamState } from '../../src/live/event-connection.ts'
import { localPorts, type ToTab } from '../../src/live/hub/conversation.ts'
import { LiveHub } from '../../src/live/hub/live-hub.ts'
import { type HubConnection, LiveClient } from '../../src/live/live-client.ts'
import type { fakeStreams } from './fake-gateway-stream.ts'

type Fetch = ReturnType<typeof fakeStreams>['fetchLike']
type Shown = { readonly scope?: string; readonly resumes?: boolean; readonly key?: readonly string[] }

/** A worker that tabs can join, and that can be killed. */
export function fakeWorker(fetchLike: Fetch, canReach: () => Promise<boolean> = async () => true) {
  const locks = new Map<string, () => void>()
  const lost = new Set<() => void>()
  const hub = new LiveHub({ fetch: fetchLike, canReach, whenFree: (lock, then) => locks.set(lock, then) })
  /** The messages that tabs have not taken yet, by the tab's number, from 1; only frozen tabs have some. */
  const kept = new Map<number, ToTab[]>()
  const ends = new Map<number, HubConnection['port']>()
  let tabs = 0

  async function openShared(onLost: () => void): Promise<HubConnection> {
    const [tabEnd, hubEnd] = localPorts()
    hub.join(hubEnd)
    lost.add(onLost)
    tabs += 1
    const tab = tabs
    const port: typeof tabEnd = { ...tabEnd }
    tabEnd.onmessage = ({ data }) => {
      const waiting = kept.get(tab)
      if (waiting === undefined) port.onmessage?.({ data })
      else waiting.push(data)
    }
    ends.set(tab, port)
    return { port, lock: `tab-${tab}`, close: tabEnd.close }
  }

  return {
    openShared,
    kept,
    freeze: (tab: number) => void kept.set(tab, []),
    thaw(tab: number) {
      const waiting = kept.get(tab) ?? []
      kept.delete(tab)
      for (const data of waiting) ends.get(tab)?.onmessage?.({ data })
    },
    /** The tab with this number, from 1, ends without notice. */
    tabEnds: (tab: number) => locks.get(`tab-${tab}`)?.(),
    dies: () => {
      for (const onLost of lost) onLost()
    },
  }
}

export function fakeTab(
  fetchLike: Fetch,
  openShared: (onLost: () => void) => Promise<HubConnection> = () => Promise.reject(new Error('no workers here')),
) {
  const states: { readonly state: StreamState; readonly fault: StreamFault | undefined }[] = []
  const tokens = { token: async () => 'token', renew: async () => undefined } as {
    token: TokenSource['token']
    renew: TokenSource['renew']
  }
  const reach = { can: true }
  let hidden = false
  let onVisibility = () => {}
  const client = new LiveClient({
    openShared,
    async openOwn() {
      const [port, hubEnd] = localPorts()
      new LiveHub({ fetch: fetchLike }).join(hubEnd)
      return { port, lock: undefined, close: port.close }
    },
    canReach: async () => reach.can,
    tokens: { token: () => tokens.token(), renew: (refused) => tokens.renew(refused) },
    visibility: {
      isHidden: () => hidden,
      onChange: (listener) => {
        onVisibility = listener
        return () => {}
      },
    },
    onState: (state, fault) => states.push({ state, fault }),
  })

  function show(isShown: boolean) {
    hidden = !isShown
    onVisibility()
  }

  /** Opens a view, and notes what it gets. */
  function open(url: string, { scope = 'read:balances', resumes = true, key = ['id'] }: Shown = {}) {
    const seen: unknown[] = []
    const handle = client.open({
      url,
      scope,
      key,
      resumes,
      onRecords: (records) => seen.push(...records),
      onDelete: (deleted) => seen.push(`deleted ${deleted}`),
      onRestart: () => seen.push('anew'),
      onSettled: () => seen.push('settled'),
      onState: (state) => seen.push(state),
    })
    return { seen, ...handle }
  }

  return { client, states, tokens, reach, show, open }
}
