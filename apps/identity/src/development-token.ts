import { developmentTokenGrant } from '@streampay/domain/identities'
import { scopes as apiScopes } from '@streampay/domain/scopes'
import { errors, type Provider } from 'oidc-provider'
import { apiResource, apiResourceServer, type IssuerOptions } from './api-resource.ts'
import { isRefusal, personFromName } from './people.ts'

type Parameters = { username?: string; scope?: string }

/**
 * A grant of our own (RFC 6749 section 4.5) that gives a token without a sign-in, so that `curl` and tests need no browser:
 *
 *     POST /identity/token
 *     grant_type=urn:streampay:dev-token&client_id=streampay-ui&username=ada&scope=write:pay read:balances
 *
 * Without `scope` the token has every permission. Answers 400 `invalid_request` for a name that can't be, `invalid_scope`
 * for a permission that doesn't exist.
 */
export function registerDevelopmentToken(provider: Provider, { store, accessTokenSeconds }: IssuerOptions): void {
  provider.registerGrantType<Parameters>(
    developmentTokenGrant,
    async (ctx) => {
      const { client, params } = ctx.oidc
      const scope = checkedScope(params.scope)
      const person = personFromName(params.username ?? '')
      if (isRefusal(person)) throw new errors.InvalidRequest(`username: ${person.message}`)
      store.rememberPerson(store.findPerson(person.id) ?? person)

      const grant = new provider.Grant({ clientId: client.clientId, accountId: person.id })
      grant.addResourceScope(apiResource, scope)
      const grantId = await grant.save()
      const token = new provider.AccessToken({ accountId: person.id, client, grantId, gty: 'dev_token', scope })
      token.resourceServer = new provider.ResourceServer(
        apiResource,
        apiResourceServer(apiResource, accessTokenSeconds),
      )
      ctx.body = {
        access_token: await token.save(),
        expires_in: accessTokenSeconds,
        scope,
        token_type: token.tokenType,
      }
    },
    ['username', 'scope'],
  )
}

function checkedScope(requested: string | undefined): string {
  const names = requested?.split(' ').filter((name) => name !== '') ?? []
  const known: readonly string[] = apiScopes
  const unknown = names.find((name) => !known.includes(name) && name !== 'openid')
  if (unknown !== undefined) throw new errors.InvalidScope('there is no such permission', unknown)
  const granted = known.filter((name) => names.length === 0 || names.includes(name))
  return granted.join(' ')
}
