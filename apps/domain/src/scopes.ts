/** The permissions of an access token. `read:console` is for operators; only the development issuer offers it freely. */
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
] as const

export type Scope = (typeof scopes)[number]
