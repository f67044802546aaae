import { createHash } from 'node:crypto'
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import type { NameRefusal, Person } from './people.ts'

/** The path of the one style sheet, below the issuer's path. */
export const stylePath = '/assets/style.css'

export type SignInPage = {
  /** The issuer's path on its origin, `/identity`. */
  readonly path: string
  /** The address to which the form is sent. */
  readonly action: string
  readonly people: readonly Person[]
  readonly typed: string
  readonly console: boolean
  readonly refusal?: NameRefusal
}

/**
 * The sign-in page: one form, with the text field and its button first, so that Enter in the field submits the typed
 * name; every listed person is a submit button too. It works without scripts.
 */
export function signInPage({ path, action, people, typed, console, refusal }: SignInPage): string {
  const error =
    refusal === undefined ? '' : `<p class="error" id="name-error" role="alert">${escapeHtml(refusal.message)}</p>`
  const invalid = refusal === undefined ? '' : ' aria-invalid="true"'
  const describedBy = refusal === undefined ? 'name-hint' : 'name-error name-hint'
  return page({
    path,
    title: refusal === undefined ? 'Sign in' : 'Sign in: please check the name',
    body: `
  <h1>Sign in to StreamPay</h1>
  <p class="lead">This is the development issuer: there are no passwords. Use any name.</p>
  <form method="post" action="${escapeHtml(action)}">
    <label for="name">Your name</label>
    <div class="row">
      <input id="name" name="name" type="text" autocomplete="username" spellcheck="false" maxlength="200"
        value="${escapeHtml(typed)}" aria-describedby="${describedBy}"${invalid}>
      <button class="primary" type="submit">Continue</button>
    </div>
    ${error}
    <p class="hint" id="name-hint">A new name opens a new account; the same name finds it again.</p>
    <fieldset>
      <legend>Or continue as</legend>
      <div class="people">${people.map(personButton).join('')}
      </div>
    </fieldset>
    <label class="switch">
      <input type="checkbox" role="switch" name="console" value="on"${console ? ' checked' : ''}>
      <span class="track" aria-hidden="true"></span>
      <span>Let me watch the topics and stop services<small>The console shows every record of the log, other people’s too; the break page ends services of this machine.</small></span>
    </label>
    <button class="quiet" type="submit" name="cancel" value="yes" formnovalidate>Cancel</button>
  </form>`,
  })
}

function personButton({ id, name }: Person): string {
  const hue = createHash('sha256').update(id).digest().readUInt8(0) % 6
  return `
        <button type="submit" name="person" value="${escapeHtml(id)}"><span class="avatar hue-${hue}" aria-hidden="true">${escapeHtml(initials(name))}</span><span class="who">${escapeHtml(name)}<small>${escapeHtml(id)}</small></span></button>`
}

/**
 * Asks whether to sign out. If the application's own sign-out button led here (it proves that with an ID token of this
 * session), the answer is known, and the form sends itself.
 */
export function renderLogout(ctx: KoaContextWithOIDC, form: string): void {
  const hint = ctx.oidc.entities.IdTokenHint?.payload.sub
  const isAsked = hint !== undefined && hint === ctx.oidc.session?.accountId
  const script = "document.querySelector('button[value=yes]').click()"
  if (isAsked) allowScript(ctx, script)
  ctx.type = 'html'
  ctx.body = page({
    path: pathOfContext(ctx),
    title: 'Sign out',
    body: `
  <h1>Sign out of StreamPay?</h1>
  <p class="lead">You are signed in as ${escapeHtml(ctx.oidc.session?.accountId ?? 'somebody')}.</p>
  ${form}
  <div class="stack">
    <button class="primary" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
    <button class="quiet" type="submit" form="op.logoutForm">Stay signed in</button>
  </div>${isAsked ? `\n  <script>${script}</script>` : ''}`,
  })
}

/** Shown after signing out when the application named no page to go back to. */
export function renderSignedOut(ctx: KoaContextWithOIDC): void {
  ctx.type = 'html'
  ctx.body = page({
    path: pathOfContext(ctx),
    title: 'Signed out',
    body: `
  <h1>You are signed out</h1>
  <p class="lead">See you soon.</p>
  <a class="button primary" href="/">Back to StreamPay</a>`,
  })
}

/** The page for errors that can't be returned to the application, such as an unknown redirect address. */
export function renderError(ctx: KoaContextWithOIDC, out: ErrorOut, _error: Error): void {
  ctx.type = 'html'
  ctx.body = errorPage({ path: pathOfContext(ctx), code: out.error, detail: out.error_description ?? '' })
}

export function errorPage({ path, code, detail }: { path: string; code: string; detail: string }): string {
  return page({
    path,
    title: 'Sign-in failed',
    body: `
  <h1>That didn’t work</h1>
  <p class="lead">${escapeHtml(sentence(detail))}</p>
  <p class="hint">Error code: <code>${escapeHtml(code)}</code></p>
  <a class="button primary" href="/">Back to StreamPay</a>`,
  })
}

function page({ path, title, body }: { path: string; title: string; body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · StreamPay</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${escapeHtml(path)}${stylePath}">
</head>
<body>
<main>
  <p class="brand"><svg viewBox="0 0 32 32" width="32" height="32" fill="none" stroke-width="3" stroke-linecap="round" aria-hidden="true"><rect width="32" height="32" rx="9" fill="#0f4f57"/><path d="M6 12.4c3.4-3.6 6.6-3.6 10 0s6.6 3.6 10 0" stroke="#fff"/><path d="M6 19.8c3.4-3.6 6.6-3.6 10 0s6.6 3.6 10 0" stroke="#7fd0d3"/></svg>StreamPay</p>${body}
</main>
</body>
</html>
`
}

/** Adds one inline script, by its hash, to the response's content security policy. */
function allowScript(ctx: KoaContextWithOIDC, script: string): void {
  const hash = createHash('sha256').update(script).digest('base64')
  const policy = ctx.response.get('content-security-policy')
  ctx.set('content-security-policy', policy.replace("script-src 'none'", `script-src 'sha256-${hash}'`))
}

function pathOfContext(ctx: KoaContextWithOIDC): string {
  return new URL(ctx.oidc.provider.issuer).pathname.replace(/\/$/, '')
}

function initials(name: string): string {
  const words = name.split(' ').filter((word) => word !== '')
  const letters = [words.at(0), words.length > 1 ? words.at(-1) : undefined].map(
    (word) => [...(word ?? '')].at(0) ?? '',
  )
  return letters.join('').toUpperCase()
}

function sentence(text: string): string {
  if (text === '') return 'Something went wrong.'
  const capitalised = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(capitalised) ? capitalised : `${capitalised}.`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
