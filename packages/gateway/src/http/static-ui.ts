/** The files of a user interface, and its one page for every path to which a browser navigates. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import { closeEntityTag, noneMatch, openEntityTag } from '../shared/entity-tag.ts'
import { asksForPage, negotiate, vary } from './accept.ts'
import type { App } from './app.ts'
import { keepToOwnOrigin } from './cors.ts'

/** The files of a user interface, and the values that its page needs. */
export type UiOptions = {
  /** An absolute path; its `assets/` holds files whose names change with their content. */
  readonly root: string
  /** The public address of this gateway: the picture for a shared link needs an absolute address (https://ogp.me). */
  readonly origin: string
  /**
   * Prefixes of paths that people share as links, such as `/pay/`. They also return the page to programs that make previews, which ask
   * for any type where a browser asks for HTML.
   */
  readonly sharedPaths: readonly string[]
}

type PageRequest = {
  readonly method: string
  readonly url: string
  readonly headers: { readonly accept?: string | undefined; readonly 'if-none-match'?: string | undefined }
}
type PageReply = {
  readonly getHeader: (name: string) => unknown
  readonly header: (name: string, value: string) => unknown
  readonly removeHeader: (name: string) => unknown
  readonly code: (status: number) => unknown
  readonly send: (payload?: string | Error) => unknown
}

export type StaticUi = {
  /** Sends the page if a browser asks for one; returns whether it did. */
  readonly page: (request: PageRequest, reply: PageReply) => boolean
}

const immutable = 'public, max-age=31536000, immutable'

export async function serveUi(app: App, { root, origin, sharedPaths }: UiOptions): Promise<StaticUi> {
  const file = join(root, 'index.html')
  // Read each time: a new build replaces the files that the page names.
  const send = async (request: PageRequest, reply: PageReply) => {
    const html = withAbsolutePictures(await readFile(file, 'utf8'), origin)
    const tag = closeEntityTag(openEntityTag(html))
    const known = request.headers['if-none-match']
    keepToOwnOrigin(reply)
    reply.header('cache-control', 'no-cache')
    reply.header('etag', tag)
    if (known !== undefined && !noneMatch(known, tag)) {
      reply.code(304)
      return reply.send()
    }
    reply.header('content-type', 'text/html; charset=utf-8')
    return reply.send(html)
  }
  await app.register(fastifyStatic, {
    root,
    wildcard: true,
    preCompressed: true,
    index: false,
    cacheControl: false,
    // Names with a leading dot belong to the build, such as `.vite/manifest.json`, and are not served.
    dotfiles: 'ignore',
    setHeaders: (reply, path) => {
      keepToOwnOrigin(reply)
      reply.header('cache-control', path.includes('/assets/') ? immutable : 'no-cache')
    },
  })
  app.get('/', (request, reply) => send(request, reply))
  return {
    page: (request, reply) => {
      const { method, url, headers } = request
      const isShared =
        sharedPaths.some((path) => url.startsWith(path)) && negotiate(headers.accept, ['html']) === 'html'
      if ((method !== 'GET' && method !== 'HEAD') || !(isShared || asksForPage(headers.accept))) return false
      // The same path may be a view, whose JSON is another representation.
      vary(reply, 'Accept')
      send(request, reply).catch((error: Error) => reply.send(error))
      return true
    },
  }
}

/** `<meta property="og:image" content="/share.png">`, with the origin before the path. */
function withAbsolutePictures(html: string, origin: string): string {
  return html.replaceAll(/(<meta property="og:image" content=")(?=\/)/g, `$1${origin}`)
}
