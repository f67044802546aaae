/** HTTP/1.1 requests that are never complete: the parser refuses them, or they do not come in time. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ProblemError, problemContentType } from '../shared/problem.ts'

type ClientError = Error & { readonly code?: string }

/** Answers if the connection can still be written to, and closes it. There is no request object yet, so the response is built as text. */
export function answerUnreadable(error: ClientError, socket: Socket, namespace: string): void {
  // Without TLS, or after it has failed, no response is possible.
  const isOfParser = /^(HPE_|ERR_HTTP_)/.test(error.code ?? '')
  if (!isOfParser || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const problem = problemOf(error.code)
  const body = JSON.stringify(problem.body(namespace))
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `content-type: ${problemContentType}; charset=utf-8`,
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  // A client that does not close its side would keep the connection open.
  socket.destroySoon()
}

function problemOf(code: string | undefined): ProblemError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('request-timeout', 'The request did not come in time.')
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError('headers-too-large', 'The header fields are too large together.')
    default:
      return new ProblemError('malformed-request', 'The request cannot be read.')
  }
}
