/** Every route of an app, collected as it is registered: the methods of a path, and whether it has a guard. */
import type { App } from './app.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route has a guard of its own, which counts its requests. */
    guarded?: boolean
  }
}

export type KnownRoutes = {
  /** The methods of a path, in alphabetical order; empty if the path is unknown. Files are not included. */
  readonly methodsOf: (path: string) => readonly string[]
}

/** Call it before the first route. */
export function noteRoutes(app: App): KnownRoutes {
  const byUrl = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', (route) => {
    // Guards are the only hooks of single routes.
    if (route.onRequest !== undefined) route.config = { ...route.config, guarded: true }
    if (route.url.includes('*')) return
    const known = byUrl.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set() }
    byUrl.set(route.url, known)
    for (const method of [route.method].flat()) known.methods.add(method)
  })
  return {
    methodsOf: (path) => {
      const found = [...byUrl.values()].filter(({ pattern }) => pattern.test(path))
      return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort()
    },
  }
}

/** `/tasks/:id/close` */
function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => (segment.startsWith(':') ? '[^/]+' : escaped(segment)))
  return new RegExp(`^${segments.join('/')}$`)
}

/** Node 22, on which the package runs too, has no `RegExp.escape`. */
function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
