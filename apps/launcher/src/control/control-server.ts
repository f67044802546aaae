/**
 * The control interface over HTTP, on the loopback interface only; gateways forward `/control` to it, so that the page has the same origin.
 * It accepts only a token of the development issuer with the permission of an operator.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Action, actions, type Disturbance, disturbances } from '@streampay/domain/control'
import { type ProblemMembers, type ProblemSlug, problem } from '@streampay/domain/problems'
import type { Control, Refusal } from './control.ts'

export type ControlServerOptions = {
  readonly control: () => Control
  /** Whether the Authorization header has an operator's token; `unknown` if the token is not the issuer's. */
  readonly access: (authorization: string | undefined) => Promise<'operator' | 'other' | 'unknown'>
}

export type ControlServer = { readonly port: number; close(): Promise<void> }

export const controlScope = 'operate:services'
const mostBodyBytes = 1_024
const requestTimeoutMs = 5_000

/** @returns once it listens, on a port of its own */
export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      sendProblem(response, 'internal-error', error instanceof Error ? error.message : String(error))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ControlServerOptions,
): Promise<void> {
  const access = await options.access(request.headers.authorization)
  if (access === 'unknown') {
    response.setHeader('www-authenticate', 'Bearer realm="streampay"')
    sendProblem(response, 'unauthorized', 'This needs an access token of the development issuer.')
    return
  }
  if (access === 'other') {
    sendProblem(response, 'missing-scope', `This needs the permission "${controlScope}".`, { scope: controlScope })
    return
  }
  const path = new URL(request.url ?? '/', 'http://localhost').pathname
  const [, root, kind, name = '', verb = ''] = path.split('/').map(decodeURIComponent)
  const control = options.control()
  if (root !== 'control') return notFound(response)
  const call = `${request.method} ${kind}`
  if (call === 'GET state') return sendJson(response, 200, control.state())
  if (call === 'POST services' && isAction(verb)) return sendResult(response, control.act(name, verb))
  if (call === 'POST log' && isDisturbance(name)) return sendResult(response, control.disturb(name))
  if (call === 'PUT simulation') {
    const speed = speedOf(await bodyOf(request))
    if (speed !== undefined) return sendResult(response, control.setSpeed(speed))
    sendProblem(response, 'malformed-body', 'The body must be {"speed": a number}.')
    return
  }
  notFound(response)
}

function isAction(text: string): text is Action {
  return actions.some((action) => action === text)
}

function isDisturbance(text: string): text is Disturbance {
  return disturbances.some((disturbance) => disturbance === text)
}

/** Undefined for a missing body, or one that is longer than any valid one. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function speedOf(body: string | undefined): number | undefined {
  try {
    const speed: unknown = Reflect.get(Object(JSON.parse(body ?? '')), 'speed')
    return typeof speed === 'number' ? speed : undefined
  } catch {
    return undefined
  }
}

function sendResult(response: ServerResponse, result: object | 'done' | Refusal): void {
  if (result === 'done') sendJson(response, 202, {})
  else if ('refused' in result) sendProblem(response, 'not-possible-now', String(result.refused))
  else sendJson(response, 202, result)
}

function notFound(response: ServerResponse): void {
  sendProblem(response, 'not-found', 'There is no such control.')
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

function sendProblem(response: ServerResponse, slug: ProblemSlug, detail: string, members: ProblemMembers = {}): void {
  const body = problem(slug, detail, members)
  response.writeHead(body.status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
