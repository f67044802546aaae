import type { Action, Books, ControlState, ServiceDoing } from '@streampay/domain'
import {
  bodyOf,
  json,
  type MockContext,
  type MockControl,
  type MockRequest,
  type MockResponse,
  problem,
} from './mock-http.ts'

const quiet: Books = {
  since: Date.now() - 60_000,
  checkedAt: Date.now(),
  tookMs: 40,
  isCaughtUp: true,
  transfers: 1_204,
  requests: 86,
  open: 2,
  waiting: 0,
  lost: 0,
  doubled: 0,
  violations: { 'INV-1': 0, 'INV-2': 0, 'INV-3': 0, 'INV-4': 0, 'INV-5': 0, 'INV-7': 0 },
  findings: [],
}

const doing = {
  broker: { what: 'serves-connections', count: 11 },
  payments: { what: 'processes-partitions', partitions: [0, 1] },
  'payments-1': { what: 'processes-partitions', partitions: [2, 3] },
  gateway: { what: 'serves-streams', count: 2 },
  simulation: { what: 'simulates', people: 31, speed: 1 },
} as const satisfies Readonly<Record<string, ServiceDoing>>

/** The launcher's control interface, with services whose states a test sets. */
export function createMockControl(): MockControl {
  const kinds = {
    broker: 'log',
    payments: 'payments',
    'payments-1': 'payments',
    gateway: 'gateway',
    simulation: 'simulation',
  } as const
  const services = (Object.keys(kinds) as (keyof typeof kinds)[]).map((name, index) => ({
    name: name as string,
    kind: kinds[name],
    state: 'running' as const,
    pid: 4_000 + index,
    uptimeMs: 754_000,
    restarts: 0,
    vitals: { rssBytes: 84e6, heapBytes: 30e6, cpuMs: 900, doing: doing[name], figures: { lag: index } },
    vitalsAgeMs: 200,
    resumesAt: undefined,
  }))
  return { services, books: quiet, faults: [], speed: 1, orders: [] }
}

export async function answerControl(
  request: MockRequest,
  response: MockResponse,
  url: URL,
  { control }: MockContext,
): Promise<void> {
  const now = Date.now()
  const [, , what, name = '', action = ''] = url.pathname.split('/')
  if (request.method === 'GET') {
    const { services, books, faults, speed } = control
    const payments = Array.from({ length: 60 }, (_, n) => ({
      at: now - n * 1_000,
      count: 3 + (n % 5),
      p50Ms: 12,
      p99Ms: 31,
    }))
    const state = {
      now,
      services,
      payments,
      books: books && { ...books, checkedAt: now - 400 },
      faults,
      simulation: { speed },
    }
    return json(response, 200, state satisfies ControlState)
  }
  if (what === 'simulation') {
    control.speed = Number((await bodyOf(request)).speed)
    control.orders.push(`speed ${control.speed}`)
    return json(response, 202, {})
  }
  control.orders.push(what === 'log' ? name : `${action} ${name}`)
  const service = control.services.find((one) => one.name === name)
  if (what === 'services' && service?.state === 'down') {
    return problem(response, 409, 'not-possible-now', { detail: `${name} is not running.` })
  }
  change(control, name, action as Action)
  json(response, 202, {})
}

function change(control: MockControl, name: string, action: Action): void {
  const states = { kill: 'down', pause: 'paused', resume: 'running', restart: 'starting' } as const
  const state = states[action]
  if (state === undefined) return
  control.services = control.services.map((service) =>
    service.name === name ? { ...service, state, ...(state === 'down' ? { pid: undefined } : {}) } : service,
  )
}
