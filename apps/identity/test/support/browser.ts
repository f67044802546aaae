import { createHash, randomBytes } from 'node:crypto'
import type { RunningIdentity } from '../../src/index.ts'
import { issuer, origin } from './issuer.ts'

export type Page = {
  readonly status: number
  readonly location: string
  readonly text: string
  readonly headers: Headers
}

/**
 * A browser as the issuer sees it: it keeps cookies (by name), follows redirects and forms that send themselves within
 * the issuer, and uses the issuer's public URL, as behind the gateway of that origin.
 */
export function openBrowser(identity: RunningIdentity, at = origin) {
  const cookies = new Map<string, string>()

  async function request(url: string, init: RequestInit = {}): Promise<Page> {
    const { pathname, search } = new URL(url, at)
    const response = await fetch(`http://127.0.0.1:${identity.port}${pathname}${search}`, {
      redirect: 'manual',
      ...init,
      headers: {
        accept: 'text/html',
        'x-forwarded-host': new URL(at).host,
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...init.headers,
      },
    })
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line)
    return {
      status: response.status,
      location: response.headers.get('location') ?? '',
      text: await response.text(),
      headers: response.headers,
    }
  }

  async function follow(page: Page): Promise<Page> {
    let current = page
    for (let hops = 0; hops < 10; hops += 1) {
      const target = current.location === '' ? undefined : new URL(current.location, at)
      if (target?.pathname.startsWith('/identity/')) current = await request(target.href)
      else if (current.text.includes('document.forms[0].submit()')) current = await sendForm(current)
      else return current
    }
    throw new Error('too many redirects')
  }

  function sendForm(page: Page): Promise<Page> {
    const inputs = page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)
    const fields = Object.fromEntries([...inputs].map(([, name, value]) => [name, value]))
    return request(actionOf(page), { method: 'POST', body: new URLSearchParams(fields) })
  }

  return {
    open: async (url: string) => follow(await request(url)),
    submit: async (action: string, fields: Record<string, string>) =>
      follow(await request(action, { method: 'POST', body: new URLSearchParams(fields) })),
    forgetCookies: () => cookies.clear(),
  }
}

export type Browser = ReturnType<typeof openBrowser>

function keepCookie(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const [name = '', ...value] = pair.split('=')
  const isGone = attributes.some((attribute) => /expires=Thu, 01 Jan 1970/i.test(attribute))
  if (isGone) cookies.delete(name)
  else cookies.set(name, value.join('='))
}

/** The `action` of the page's form. */
export function actionOf(page: Page): string {
  const action = /<form[^>]* action="([^"]+)"/.exec(page.text)?.[1]
  if (action === undefined) throw new Error(`no form on this page: ${page.text}`)
  return action
}

/** An authorization request as the UI makes it, with what is needed to redeem its code. */
export function authorizationRequest(parameters: Record<string, string> = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    client_id: 'streampay-ui',
    redirect_uri: `${origin}/callback`,
    response_type: 'code',
    scope: 'openid profile offline_access write:pay read:balances read:console',
    audience: 'streampay',
    state: 'some-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  })
  return { url: `${issuer}/auth?${query}`, verifier }
}

export type TokenAnswer = {
  access_token: string
  id_token: string
  refresh_token: string
  scope: string
  error?: string
  error_description?: string
}

/** POSTs to the token endpoint, as the UI's script does. */
export async function postToken(identity: RunningIdentity, fields: Record<string, string>) {
  const response = await fetch(`http://127.0.0.1:${identity.port}/identity/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'streampay-ui', ...fields }),
  })
  return { status: response.status, body: (await response.json()) as TokenAnswer }
}

export function redeem(identity: RunningIdentity, { location }: Page, verifier: string, at = origin) {
  const code = new URL(location).searchParams.get('code') ?? ''
  const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: `${at}/callback` }
  return postToken(identity, fields)
}

/** Signs in on the page of a new authorization request, with these fields of its form. @returns the answer to the code */
export async function signIn(identity: RunningIdentity, browser: Browser, fields: Record<string, string>) {
  const { url, verifier } = authorizationRequest()
  const page = await browser.open(url)
  const done = await browser.submit(actionOf(page), fields)
  return redeem(identity, done, verifier)
}
