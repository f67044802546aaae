/** What the service worker answers, and what it keeps; service-worker.page.test.ts runs it in a browser. */
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { serviceWorkerOf } from '../scripts/service-worker-plugin.ts'

const origin = 'https://pay.example.com'

type Listener = (event: {
  readonly request?: unknown
  waitUntil(work: Promise<unknown>): void
  respondWith(answer: Promise<Response>): void
}) => void

/** The worker of a build, with caches that outlive it and a network that a test controls. */
function openWorker({
  version = '1',
  files = ['/assets/app-1.js'],
  stores = new Map<string, Map<string, Response>>(),
  network = async (path: string) => new Response(`network ${path}`),
} = {}) {
  const listeners = new Map<string, Listener>()
  const pathOf = (request: string | { url: string }) =>
    new URL(typeof request === 'string' ? request : request.url, origin).pathname
  const fetched: string[] = []
  const fetch = async (request: { url: string }) => {
    fetched.push(pathOf(request))
    return network(pathOf(request))
  }
  const caches = {
    open: async (name: string) => {
      const store = stores.get(name) ?? new Map<string, Response>()
      stores.set(name, store)
      return {
        add: async (request: { url: string }) => void store.set(pathOf(request), await fetch(request)),
        put: async (request: { url: string }, response: Response) => void store.set(pathOf(request), response),
      }
    },
    keys: async () => [...stores.keys()],
    delete: async (name: string) => stores.delete(name),
    match: async (request: string | { url: string }) =>
      [...stores.values()]
        .map((store) => store.get(pathOf(request)))
        .find((found) => found !== undefined)
        ?.clone(),
  }
  const self = {
    location: { origin },
    addEventListener: (type: string, listener: Listener) => listeners.set(type, listener),
    skipWaiting: async () => undefined,
    clients: { claim: async () => undefined },
  }
  class Request {
    readonly url: string
    constructor(path: string) {
      this.url = new URL(path, origin).href
    }
  }
  runInNewContext(serviceWorkerOf({ version, files }), {
    self,
    caches,
    fetch,
    Request,
    URL,
  })

  async function lifeCycle(type: 'install' | 'activate') {
    const works: Promise<unknown>[] = []
    listeners.get(type)?.({ waitUntil: (work) => works.push(work), respondWith: () => undefined })
    await Promise.all(works)
  }
  /** @returns undefined if the service worker does not handle the request */
  async function ask(url: string, { method = 'GET', mode = 'cors' } = {}): Promise<string | undefined> {
    let answer: Promise<Response> | undefined
    const request = { url: new URL(url, origin).href, method, mode }
    listeners.get('fetch')?.({ request, waitUntil: () => undefined, respondWith: (promise) => (answer = promise) })
    return answer === undefined ? undefined : (await answer).text()
  }
  return { lifeCycle, ask, stores, fetched }
}

describe('the service worker', () => {
  it.each([
    ['an answer of the API', '/current-balance', {}],
    ['a stream', '/live?view=/activities', {}],
    ['a command', '/pay', { method: 'POST' }],
    ['a file of the page whose name stays', '/theme.js', {}],
    ['what the page is told of its surroundings', '/config.json', {}],
    ['a page of the issuer', '/identity/interaction/1', { mode: 'navigate' }],
    ['a form of the issuer', '/identity/interaction/1', { method: 'POST', mode: 'navigate' }],
    ['what another origin has', 'https://issuer.example.com/assets/app-1.js', {}],
  ])('has no part in %s', async (_what, url, how) => {
    const worker = openWorker()
    await worker.lifeCycle('install')
    expect(await worker.ask(url, how)).toBeUndefined()
    expect([...worker.stores.values()].flatMap((store) => [...store.keys()])).toEqual(['/offline.html'])
  })

  it('keeps the files of its own build, each requested once, and no others', async () => {
    const worker = openWorker()
    expect(await worker.ask('/assets/app-1.js')).toBe('network /assets/app-1.js')
    expect(await worker.ask('/assets/app-1.js')).toBe('network /assets/app-1.js')
    for (const _ of [1, 2]) expect(await worker.ask('/assets/other-9.js')).toBe('network /assets/other-9.js')
    expect(worker.fetched).toEqual(['/assets/app-1.js', '/assets/other-9.js', '/assets/other-9.js'])
  })

  it('does not keep what failed', async () => {
    const worker = openWorker({ network: async () => new Response('gone', { status: 404 }) })
    expect(await worker.ask('/assets/app-1.js')).toBe('gone')
    expect(await worker.ask('/assets/app-1.js')).toBe('gone')
    expect(worker.fetched).toHaveLength(2)
  })

  it('opens pages from the network only, and says so when nothing answers', async () => {
    let isAway = false
    const network = async (path: string) => {
      if (isAway) throw new TypeError('Failed to fetch')
      return new Response(`network ${path}`)
    }
    const worker = openWorker({ network })
    await worker.lifeCycle('install')
    expect(await worker.ask('/home', { mode: 'navigate' })).toBe('network /home')
    isAway = true
    expect(await worker.ask('/home', { mode: 'navigate' })).toBe('network /offline.html')
    expect(await worker.ask('/home')).toBeUndefined()
  })

  it('of a new build replaces the old one, whose open tabs keep their files until the build after it', async () => {
    const stores = new Map<string, Map<string, Response>>([['of-something-else', new Map()]])
    for (const version of ['1', '2', '3']) {
      const worker = openWorker({ version, files: [`/assets/app-${version}.js`], stores })
      await worker.lifeCycle('install')
      await worker.lifeCycle('activate')
      await worker.ask(`/assets/app-${version}.js`)
      if (version === '2') {
        expect(await worker.ask('/assets/app-1.js')).toBe('network /assets/app-1.js')
        expect(worker.fetched).toEqual(['/offline.html', '/assets/app-2.js'])
      }
    }
    expect([...stores.keys()]).toEqual(['of-something-else', 'streampay-shell-2', 'streampay-shell-3'])
  })
})
