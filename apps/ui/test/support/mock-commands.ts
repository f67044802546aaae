import { recordedVisibility, settlementVisibility, type Visibility } from '@streampay/domain'
import { bodyOf, cut, json, type MockContext, type MockRequest, type MockResponse, problem } from './mock-http.ts'
import { me } from './mock-ledger.ts'

const outcomes = new Map<string, { status: number; body: Record<string, unknown> }>()

/** Decides commands as the payments service would, each key once. */
export async function answerCommand(
  request: MockRequest,
  response: MockResponse,
  url: URL,
  context: MockContext,
): Promise<void> {
  if (url.pathname.startsWith('/streams/')) {
    response.writeHead(204).end()
    return
  }
  const { faults, keys } = context
  const fault = faults.command
  delete faults.command
  const key = String(request.headers['idempotency-key'])
  keys.push(key)
  const body = await bodyOf(request)
  if (fault === 'dropped') {
    cut(response)
    return
  }
  if (fault === 'unavailable') return problem(response, 503, 'log-unavailable')
  const before = outcomes.get(key)
  const outcome = before ?? decide(url.pathname, body, context)
  outcomes.set(key, outcome)
  if (fault === 'hold') await context.held.promise
  if (fault === 'lost') {
    cut(response)
    return
  }
  if (fault === 'timeout') return problem(response, 504, 'outcome-unknown')
  if (outcome.status >= 400) return problem(response, outcome.status, String(outcome.body.slug), outcome.body)
  json(
    response,
    outcome.status,
    outcome.body,
    before === undefined && fault !== 'replay' ? {} : { 'idempotency-replayed': 'true' },
  )
}

function decide(path: string, body: Record<string, unknown>, { ledger }: MockContext) {
  const amount = Number(body.amount)
  const notes = typeof body.notes === 'string' ? { notes: body.notes } : {}
  const said = body as { readonly visibility?: Visibility }
  const [, , id = '', verb] = path.split('/')
  if (path === '/blocked-people') {
    ledger.block(String(body.userId))
    return { status: 200, body: { userId: body.userId } }
  }
  if (path.startsWith('/blocked-people/')) {
    ledger.unblock(decodeURIComponent(id))
    return { status: 200, body: { userId: id } }
  }
  if (path === '/favourite-people') {
    ledger.favour(String(body.userId))
    return { status: 200, body: { userId: body.userId } }
  }
  if (path.startsWith('/favourite-people/')) {
    ledger.unfavour(decodeURIComponent(id))
    return { status: 200, body: { userId: id } }
  }
  if (path === '/pay') {
    const available = ledger.balance().balance
    if (body.userId === 'tony-hoare') return { status: 404, body: { slug: 'unknown-recipient' } }
    if (amount > available) return { status: 409, body: { slug: 'insufficient-funds', available } }
    const request = ledger.incoming.find(({ id: known }) => known === body.requestId)
    const visibility = settlementVisibility(said, request)
    const entry = ledger.move(String(body.userId), -amount, { ...notes, ...recordedVisibility({ visibility }) })
    if (visibility !== 'private') ledger.act('payment', me, String(body.userId), amount)
    if (typeof body.requestId === 'string') ledger.close(body.requestId, 'paid')
    return { status: 200, body: { transferId: entry.transferId, balance: ledger.balance().balance } }
  }
  if (path === '/request') {
    const { id: made } = ledger.ask(me, amount, { debtor: String(body.userId), ...notes, ...recordedVisibility(said) })
    return { status: 201, body: { id: made } }
  }
  if (verb === 'remind') return { status: 200, body: { id, remindedAt: ledger.remind(id) } }
  ledger.close(id, verb === 'decline' ? 'declined' : 'cancelled')
  return { status: 200, body: { id, status: verb === 'decline' ? 'declined' : 'cancelled' } }
}
