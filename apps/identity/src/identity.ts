import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { createIssuer } from './issuer.ts'
import { loadSecrets } from './secrets.ts'
import { createIdentityServer } from './server.ts'
import { type Clock, openStore } from './store.ts'

export type IdentityOptions = {
  /** The port on loopback; 0 takes a free one. */
  readonly port: number
  readonly host: string
  /** The issuer's URL as browsers see it. */
  readonly issuer: string
  readonly dataDir: string
  /** Further origins that may sign in, and at which gateways show the issuer. */
  readonly redirectOrigins?: readonly string[]
  readonly accessTokenSeconds?: number
  readonly logger: Logger
  readonly now: Clock
}

export type RunningIdentity = {
  readonly port: number
  /** Closes open connections after the requests under way, after a second at the latest; then closes the store. */
  close(): Promise<void>
}

const defaultAccessTokenSeconds = 60 * 60
const closeTimeoutMs = 1000

/**
 * Starts the development issuer.
 * @throws Error with code EADDRINUSE when the port is taken, ERR_SQLITE_ERROR when the data folder belongs to a running issuer
 */
export async function startIdentity(options: IdentityOptions): Promise<RunningIdentity> {
  const { port, host, issuer, dataDir, logger, now } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const store = openStore(join(dataDir, 'identity.sqlite'), now)
  const secrets = await loadSecrets(join(dataDir, 'keys.json'))
  const provider = createIssuer({
    issuer,
    redirectOrigins: options.redirectOrigins ?? [],
    accessTokenSeconds: options.accessTokenSeconds ?? defaultAccessTokenSeconds,
    store,
    secrets,
    logger,
  })
  const server = createIdentityServer({ issuer, origins: options.redirectOrigins ?? [], provider, store, logger })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
  } catch (error) {
    store.close()
    throw error
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const deadline = setTimeout(() => server.closeAllConnections(), closeTimeoutMs)
      await new Promise((resolve) => server.close(resolve))
      clearTimeout(deadline)
      store.close()
    },
  }
}
