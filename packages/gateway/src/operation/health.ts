/** Liveness: the process answers. Readiness: its answers are complete and current. */
import type { Admission } from '../commands/admission.ts'
import type { App } from '../http/app.ts'
import type { TopicFeed } from '../views/topic-feed.ts'
import type { LogMonitor } from './log-monitor.ts'

export type HealthSources = {
  readonly feeds: () => readonly TopicFeed[]
  readonly monitor: Pick<LogMonitor, 'isReachable' | 'hasAnswerers'>
  readonly admission: Pick<Admission, 'isSilent'>
  readonly isDraining: () => boolean
}

export function registerHealth(app: App, sources: HealthSources): void {
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', async (_request, reply) => {
    const topics = sources
      .feeds()
      .map((feed) => ({ topic: feed.topic.name, lag: feed.lag, progress: feed.progress, caughtUp: feed.caughtUp }))
    const reachable = sources.monitor.isReachable()
    // Reads would work, but a load balancer should not use a gateway whose commands get no replies.
    const answered = sources.monitor.hasAnswerers() && !sources.admission.isSilent()
    const ready = reachable && answered && topics.every(({ caughtUp }) => caughtUp) && !sources.isDraining()
    const status = sources.isDraining() ? 'draining' : ready ? 'ready' : 'not-ready'
    reply.header('cache-control', 'no-store').code(ready ? 200 : 503)
    return {
      status,
      log: reachable ? 'reachable' : 'unreachable',
      commands: answered ? 'answered' : 'unanswered',
      topics,
    }
  })
}
