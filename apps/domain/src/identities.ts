/** Names that are reserved for the system itself, and the ids of its applications. */

/** No person's identity begins with this: every guard and issuer refuses it. */
export const reservedPrefix = 'streampay:'

/** The account that all money comes from, and the only one that may be negative. */
export const treasuryId = 'streampay:treasury'

/** Longest identity, idempotency key and correlation id, in characters. */
export const maxIdLength = 255

export function isReserved(identity: string): boolean {
  return identity.startsWith(reservedPrefix)
}

/** Consumer group, and prefix of transactional ids and changelogs, of each topology. */
export const applicationIds = { payments: 'streampay-payments', statistics: 'streampay-statistics' } as const

/** The `aud` of access tokens, and the UI's client id at the development issuer. */
export const audience = 'streampay'
export const uiClientId = 'streampay-ui'
