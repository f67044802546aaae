/** The files of a user interface, and its one page for every path that a browser navigates to. */
import fastifyStatic from '@fastify/static'
import { asksForPage } from './accept.ts'
import type { App } from './app.ts'

type PageRequest = { readonly method: string; readonly headers: { readonly accept?: string | undefined } }
type PageReply = {
  readonly header: (name: string, value: string) => unknown
  readonly sendFile: (filename: string) => unknown
}

export type StaticUi = {
  /** Sends the page if a browser asks for one; true if it did. */
  readonly page: (request: PageRequest, reply: PageReply) => boolean
}

const immutable = 'public, max-age=31536000, immutable'

/** `root` is an absolute path; its `assets/` holds files whose names change with their content. */
export async function serveUi(app: App, root: string): Promise<StaticUi> {
  await app.register(fastifyStatic, {
    root,
    wildcard: true,
    preCompressed: true,
    index: ['index.html'],
    cacheControl: false,
    // What begins with a dot is of the build, such as `.vite/manifest.json`, and nobody's page.
    dotfiles: 'ignore',
    setHeaders: (reply, path) => {
      reply.header('cache-control', path.includes('/assets/') ? immutable : 'no-cache')
    },
  })
  return {
    page: (request, reply) => {
      const isRead = request.method === 'GET' || request.method === 'HEAD'
      if (!isRead || !asksForPage(request.headers.accept)) return false
      // The same address may be a view, whose JSON is another representation.
      reply.header('vary', 'Accept')
      reply.sendFile('index.html')
      return true
    },
  }
}
