import { newKey, random } from '../app/clock.ts'
import { localPorts, type Port, type ToHub, type ToTab } from './hub/conversation.ts'
import { holdLock } from './hub/hold-lock.ts'
import type { Link } from './live-client.ts'

/** A worker answers within a moment, or it didn't load. */
const welcomeTimeoutMs = 5_000

/**
 * To the worker that the tabs of one person share: a worker with a tab that is seen is neither slowed down nor frozen, as a
 * hidden tab may be that had the connection for all. Its address has a hash of its content, so that tabs of a new version never
 * talk with the worker of an old one; its name has the person, so that nobody's rows are known to a tab of somebody else.
 *
 * Neither end of a port is told when the other is gone. Each holds a lock (Web Locks, W3C), which the browser gives back when
 * its holder has ended, however that was, and each waits for the other's.
 *
 * @throws Error where there are no shared workers, or none answers
 */
export async function sharedLink(person: string | undefined, onLost: () => void): Promise<Link> {
  if (person === undefined || globalThis.SharedWorker === undefined) throw new Error('there is nothing to share')
  const held = await holdLock(`streampay.live-tab.${newKey()}`)
  const gone = new AbortController()
  gone.signal.addEventListener('abort', held.release)
  try {
    const worker = new SharedWorker(new URL('./hub/live-worker.ts', import.meta.url), { type: 'module', name: person })
    const { port } = worker
    gone.signal.addEventListener('abort', () => port.close())
    const workerLock = await welcomeOf(worker)
    const waiting = navigator.locks.request(workerLock, { signal: gone.signal }, onLost)
    // Left in time: it waits no longer.
    waiting.catch(() => {})
    return { port: port as unknown as Port<ToTab, ToHub>, lock: held.name, close: () => gone.abort() }
  } catch (error) {
    gone.abort()
    throw error
  }
}

/** @returns the lock that the worker holds */
function welcomeOf(worker: SharedWorker): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the shared worker does not answer')), welcomeTimeoutMs)
    worker.onerror = () => {
      clearTimeout(timer)
      reject(new Error('the shared worker can not be loaded'))
    }
    worker.port.onmessage = ({ data }: MessageEvent<{ readonly lock: string }>) => {
      clearTimeout(timer)
      resolve(data.lock)
    }
  })
}

/** To a hub in this tab. */
export async function ownLink(): Promise<Link> {
  const { LiveHub } = await import('./hub/live-hub.ts')
  const [tab, hub] = localPorts()
  new LiveHub({ random }).join(hub)
  return { port: tab, lock: undefined, close: tab.close }
}
