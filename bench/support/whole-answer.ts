/** One request over HTTP/2, to its end. */
import { randomUUID } from 'node:crypto'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'

export type WholeAnswer = {
  /** 0 if none came. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Why it is not whole. */
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
  const headers = {
    ':method': 'POST',
    ':path': '/pay',
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'idempotency-key': randomUUID(),
  }
  return wholeAnswer(session, headers, JSON.stringify({ userId: payee, amount: 1 }))
}
