/** Liveness is that the process answers; readiness is that its answers are worth having. */
import type { LogMonitor } from '../log-monitor.ts'
import type { TopicFeed } from '../views/topic-feed.ts'
import type { App } from './app.ts'

export type HealthSources = {
  readonly feeds: () => readonly TopicFeed[]
  readonly monitor: Pick<LogMonitor, 'isReachable'>
  readonly isDraining: () => boolean
}

export function registerHealth(app: App, sources: HealthSources): void {
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', async (_request, reply) => {
    const topics = sources.feeds().map((feed) => ({ topic: feed.topic.name, lag: feed.lag, caughtUp: feed.caughtUp }))
    const reachable = sources.monitor.isReachable()
    const ready = reachable && topics.every(({ caughtUp }) => caughtUp) && !sources.isDraining()
    const status = sources.isDraining() ? 'draining' : ready ? 'ready' : 'not-ready'
    reply.header('cache-control', 'no-store').code(ready ? 200 : 503)
    return { status, log: reachable ? 'reachable' : 'unreachable', topics }
  })
}
