/** One request to its end. */
import { randomUUID } from 'node:crypto'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { type Agent, request as requestHttps } from 'node:https'

export type WholeAnswer = {
  /** 0 if none came. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Why it is not complete. */
  readonly error: Error | undefined
}

export function wholeAnswer(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<WholeAnswer> {
  return new Promise((resolve) => {
    const request = session.request(headers)
    let received: IncomingHttpHeaders = {}
    let text = ''
    let error: Error | undefined
    request.setEncoding('utf8')
    request.on('response', (head) => {
      received = head
    })
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('error', (cause: Error) => {
      error = cause
    })
    request.on('close', () => {
      resolve({ status: Number(received[':status'] ?? 0), headers: received, body: text, error })
    })
    request.end(body)
  })
}

/** One cent to this person, as a new intent. */
export function sendPayment(session: ClientHttp2Session, token: string, payee: string): Promise<WholeAnswer> {
  return wholeAnswer(session, { ':method': 'POST', ':path': '/pay', ...headersOf(token) }, bodyOf(payee))
}

/** The same over HTTP/1.1, on any free connection of the agent. */
export function sendPaymentOverHttp1(
  { agent, origin }: { readonly agent: Agent; readonly origin: string },
  token: string,
  payee: string,
): Promise<WholeAnswer> {
  return new Promise((resolve) => {
    const request = requestHttps(`${origin}/pay`, { method: 'POST', agent, headers: headersOf(token) })
    const failed = (error: Error) => resolve({ status: 0, headers: {}, body: '', error })
    request.on('error', failed)
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', failed)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, error: undefined })
      })
    })
    request.end(bodyOf(payee))
  })
}

function headersOf(token: string) {
  return {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'idempotency-key': randomUUID(),
  }
}

function bodyOf(payee: string): string {
  return JSON.stringify({ userId: payee, amount: 1 })
}
