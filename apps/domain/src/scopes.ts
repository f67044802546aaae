/**
 * The permissions of an access token. `read:console` and `write:console` are for operators; only the development issuer offers
 * them freely.
 * `operate:services` is for the launcher of a development installation: no gateway route asks for it.
 */
export const scopes = [
  'write:pay',
  'write:request',
  'write:users',
  'read:activities',
  'read:payment-requests',
  'read:balances',
  'read:total-transactions',
  'read:average-transactions',
  'read:users',
  'read:console',
  'write:console',
  'operate:services',
] as const

export type Scope = (typeof scopes)[number]
