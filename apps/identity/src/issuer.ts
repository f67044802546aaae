import { developmentTokenGrant, isReserved, uiClientId } from '@streampay/domain/identities'
import { scopes as apiScopes } from '@streampay/domain/scopes'
import { type Account, type Configuration, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { apiResource, apiResourceServer, type IssuerOptions } from './api-resource.ts'
import { registerDevelopmentToken } from './development-token.ts'
import { renderError, renderLogout, renderSignedOut } from './pages.ts'
import type { Person } from './people.ts'
import type { IdentityStore } from './store.ts'

/** The permissions of an operator, for which the sign-in page has one switch. */
const operatorScopes: readonly string[] = ['read:console', 'write:console', 'operate:services']

const daySeconds = 24 * 60 * 60
const sessionSeconds = 14 * daySeconds

/**
 * The OpenID Connect provider (authorization code with PKCE, rotating refresh tokens, JWT access tokens, RP-initiated logout), configured
 * for one public client and one API. It asks for the name, never for consent.
 */
export function createIssuer(options: IssuerOptions): Provider {
  const provider = new Provider(options.issuer, configurationOf(options))
  // The gateway ends TLS; the server in front of this sets the forwarded headers itself.
  provider.proxy = true
  provider.on('server_error', (ctx, error) => options.logger.error({ err: error, path: ctx.path }, 'request failed'))
  registerDevelopmentToken(provider, options)
  return provider
}

/** The issuer's path on its origin: `/identity`, or nothing if it is at the root. */
export function pathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}

function configurationOf(options: IssuerOptions): Configuration {
  const { issuer, store, secrets, accessTokenSeconds } = options
  const path = pathOf(issuer)
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure: issuer.startsWith('https:') } as const
  return {
    adapter: store.adapter,
    jwks: { keys: [{ ...secrets.signingKey, kty: 'RSA' }] },
    clients: [clientOf(options)],
    cookies: {
      keys: [secrets.cookieKey],
      names: { session: 'streampay_session', interaction: 'streampay_sign_in', resume: 'streampay_resume' },
      long: { ...cookie, path: `${path}/` },
      short: cookie,
    },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'] },
    // The ID token has the profile: there is no userinfo endpoint.
    conformIdTokenClaims: false,
    scopes: ['openid', 'offline_access'],
    findAccount: (_ctx, id) => accountOf(personOf(store, id)),
    extraTokenClaims: (_ctx, token) => ('accountId' in token ? claimsOf(personOf(store, token.accountId)) : undefined),
    interactions: { url: (_ctx, interaction) => `${path}/interaction/${interaction.uid}` },
    loadExistingGrant,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    // Signing out must end the refresh tokens too.
    expiresWithSession: () => true,
    renderError,
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: renderLogout, postLogoutSuccessSource: renderSignedOut },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => apiResource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => apiResourceServer(resource, accessTokenSeconds),
      },
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: sessionSeconds,
      Session: sessionSeconds,
      Grant: sessionSeconds,
    },
  }
}

function clientOf({ issuer, redirectOrigins }: IssuerOptions) {
  const origins = [new URL(issuer).origin, ...redirectOrigins]
  return {
    client_id: uiClientId,
    client_name: 'StreamPay',
    token_endpoint_auth_method: 'none',
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token', developmentTokenGrant],
    response_types: ['code'],
    redirect_uris: origins.map((origin) => `${origin}/callback`),
    post_logout_redirect_uris: origins.map((origin) => `${origin}/`),
  } as const
}

/**
 * A person who signs in grants what the client asks for, without a consent page. Only the permissions of an operator can be refused, with
 * the switch on the sign-in page. A session that signs in again without a page keeps its earlier choice.
 */
async function loadExistingGrant(ctx: KoaContextWithOIDC) {
  const { client, session, result, provider } = ctx.oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const grantId = session.grantIdFor(client.clientId)
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const existing = found?.accountId === session.accountId ? found : undefined
  const choice = result?.console
  if (existing !== undefined && (typeof choice !== 'boolean' || choice === isOperators(existing))) return existing

  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  const mayWatch = choice !== false
  grant.addOIDCScope('openid profile offline_access')
  grant.addResourceScope(
    apiResource,
    apiScopes.filter((scope) => mayWatch || !operatorScopes.includes(scope)).join(' '),
  )
  if (!mayWatch) grant.rejectResourceScope(apiResource, operatorScopes.join(' '))
  await grant.save()
  return grant
}

function isOperators(grant: InstanceType<Provider['Grant']>): boolean {
  const granted = grant.getResourceScope(apiResource).split(' ')
  return operatorScopes.every((scope) => granted.includes(scope))
}

/**
 * Tokens are kept longer than the list of people, which is bounded: a person who is no longer on it is named by their id until they sign in
 * again.
 */
function personOf(store: IdentityStore, id: string): Person | undefined {
  if (isReserved(id)) return undefined
  return store.findPerson(id) ?? { id, name: id }
}

function accountOf(person: Person | undefined): Account | undefined {
  if (person === undefined) return undefined
  return { accountId: person.id, claims: () => ({ sub: person.id, ...claimsOf(person) }) }
}

function claimsOf(person: Person | undefined) {
  return person === undefined ? undefined : { name: person.name, preferred_username: person.id }
}
