/**
 * Who may control the services: clients with a token of the development issuer that has the permission of an operator.
 */
import { type ControlServerOptions, controlScope } from './control-server.ts'

export type OperatorAccessOptions = {
  readonly issuer: string
  readonly audience: string
  /** The issuer's loopback address. */
  readonly jwksUri: string
}

export function operatorAccess({ issuer, audience, jwksUri }: OperatorAccessOptions): ControlServerOptions['access'] {
  let verifying: Promise<(token: string) => Promise<unknown>> | undefined

  async function openVerifier(): Promise<(token: string) => Promise<unknown>> {
    // Loaded at the first request: its code would stay in the launcher's memory.
    const { createRemoteJWKSet, jwtVerify } = await import('jose')
    const keys = createRemoteJWKSet(new URL(jwksUri))
    return async (token) => (await jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] })).payload.scope
  }

  return async (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return 'unknown'
    verifying ??= openVerifier()
    const verify = await verifying
    const scope = await verify(token).catch(() => undefined)
    if (typeof scope !== 'string') return 'unknown'
    return scope.split(' ').includes(controlScope) ? 'operator' : 'other'
  }
}
