import { newKey, random } from '../app/clock.ts'
import { localPorts, type Port, type ToHub, type ToTab } from './hub/conversation.ts'
import { holdLock } from './hub/hold-lock.ts'
import type { HubConnection } from './live-client.ts'

/** A worker answers within this time, or it didn't load. */
const welcomeTimeoutMs = 5_000

/**
 * Connects to the worker that the tabs of one person share: browsers neither slow down nor freeze a worker with a visible tab, which they
 * may do with a hidden tab that has the connection for all. Its address has a hash of its content, so that tabs of a new version never talk
 * to the worker of an old one; its name has the person, so that a tab of another person never gets this person's rows.
 *
 * A port does not tell one end when the other is gone. So each end holds a lock (Web Locks, W3C), which the browser frees when its holder
 * has ended in any way, and waits for the other's lock.
 *
 * @throws Error where there are no shared workers, or none answers
 */
export async function sharedConnection(person: string | undefined, onLost: () => void): Promise<HubConnection> {
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
    // The connection was closed in time: it no longer waits for the lock.
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

/** Connects to a hub in this tab. */
export async function ownConnection(): Promise<HubConnection> {
  const { LiveHub } = await import('./hub/live-hub.ts')
  const [tab, hub] = localPorts()
  new LiveHub({ random }).join(hub)
  return { port: tab, lock: undefined, close: tab.close }
}
