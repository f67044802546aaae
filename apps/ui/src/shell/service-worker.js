/**
 * The service worker, as plain JavaScript: the build writes it to /sw.js with its version and its files in place of `__BUILD__`
 * (scripts/service-worker-plugin.ts). It answers two kinds of requests only:
 *
 *     a file of assets/, whose name changes with its content    from a cache, else from the network
 *     a page that is opened while nothing answers               /offline.html
 *
 * All other requests, and so all to the API, are handled as if there were no service worker. The page itself always comes from the network:
 * it names the files of its own build, so that no page gets the files of another build.
 */
const build = __BUILD__
const prefix = 'streampay-shell-'
const cacheName = `${prefix}${build.version}`
const offlinePage = '/offline.html'
/** Tabs that were opened before an update still use the files of their own build. */
const keptCaches = 2

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(activate()))
self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== self.location.origin) return
  // Pages of the development issuer don't belong to the application.
  if (request.mode === 'navigate' && !pathname.startsWith('/identity/')) event.respondWith(openPage(request))
  else if (pathname.startsWith('/assets/')) event.respondWith(shellFile(request, pathname))
})

async function install() {
  const cache = await caches.open(cacheName)
  await cache.add(new Request(offlinePage, { cache: 'reload' }))
  await self.skipWaiting()
}

async function activate() {
  // In the order in which they were made.
  const own = (await caches.keys()).filter((name) => name.startsWith(prefix))
  const outdated = own.filter((name) => name !== cacheName).slice(0, -(keptCaches - 1))
  await Promise.all(outdated.map((name) => caches.delete(name)))
  await self.clients.claim()
}

async function openPage(request) {
  try {
    return await fetch(request)
  } catch (error) {
    const page = await caches.match(offlinePage)
    if (page === undefined) throw error
    return page
  }
}

async function shellFile(request, pathname) {
  const kept = await caches.match(request)
  if (kept !== undefined) return kept
  const response = await fetch(request)
  // Only files of this build are cached, so that requests for other files can't make the cache larger.
  if (response.ok && build.files.includes(pathname)) {
    const cache = await caches.open(cacheName)
    await cache.put(request, response.clone())
  }
  return response
}
