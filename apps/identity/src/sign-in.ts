import type { IncomingMessage, ServerResponse } from 'node:http'
import { isReserved } from '@streampay/domain/identities'
import type { Provider } from 'oidc-provider'
import { errorPage, signInPage } from './pages.ts'
import { developmentPeople, isRefusal, type NameRefusal, type Person, personFromName } from './people.ts'
import type { IdentityStore } from './store.ts'

export type SignInOptions = {
  readonly provider: Provider
  readonly store: IdentityStore
  /** The issuer's path on its origin. */
  readonly path: string
}

const maxFormBytes = 4096
const offeredPeople = 8

/**
 * The page behind `/interaction/<uid>`: GET shows it, POST signs in (or cancels) and redirects the browser. The
 * provider ties an interaction to the browser by a signed, same-site cookie, so that another site can't sign a person
 * in.
 */
export async function handleSignIn(req: IncomingMessage, res: ServerResponse, options: SignInOptions): Promise<void> {
  const { provider, path } = options
  const interaction = await findInteraction(provider, req, res)
  if (interaction === undefined) {
    const detail = 'This sign-in was started elsewhere or is over. Go back and start again'
    sendHtml(res, 400, errorPage({ path, code: 'session_not_found', detail }))
    return
  }
  const action = `${path}/interaction/${interaction.uid}`
  if (req.method === 'GET') {
    const hint = interaction.params.login_hint
    sendHtml(res, 200, pageFor(options, { action, typed: typeof hint === 'string' ? hint : '', console: true }))
    return
  }
  const form = await readForm(req)
  if (form === undefined) {
    sendHtml(res, 413, errorPage({ path, code: 'invalid_request', detail: 'The form is too large' }))
    return
  }
  await submit(req, res, { ...options, action, form })
}

type Submission = SignInOptions & { readonly action: string; readonly form: URLSearchParams }

async function submit(req: IncomingMessage, res: ServerResponse, submission: Submission): Promise<void> {
  const { provider, store, form, action } = submission
  if (form.has('cancel')) {
    const result = { error: 'access_denied', error_description: 'The sign-in was cancelled.' }
    await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false })
    return
  }
  const typed = form.get('name') ?? ''
  const mayWatch = form.get('console') === 'on'
  const person = chosenPerson(store, form)
  if (isRefusal(person)) {
    sendHtml(res, 422, pageFor(submission, { action, typed, console: mayWatch, refusal: person }))
    return
  }
  store.rememberPerson(person)
  const result = { login: { accountId: person.id, remember: true }, console: mayWatch }
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false })
}

/** A button names a person by id; the text field has a name, or the username of a known person. */
function chosenPerson(store: IdentityStore, form: URLSearchParams): Person | NameRefusal {
  const picked = form.get('person')
  // A listed person is found by exactly that id, even if no name leads to it any more.
  const offered = picked === null ? undefined : store.findPerson(picked)
  if (offered !== undefined && !isReserved(offered.id)) return offered
  const person = personFromName(picked ?? form.get('name') ?? '')
  if (isRefusal(person)) return person
  const isUsername = picked !== null || form.get('name')?.trim() === person.id
  return isUsername ? (store.findPerson(person.id) ?? person) : person
}

function pageFor(
  { store, path }: SignInOptions,
  page: { action: string; typed: string; console: boolean; refusal?: NameRefusal },
): string {
  const recent = store.recentPeople(offeredPeople)
  const others = developmentPeople.filter(({ id }) => !recent.some((person) => person.id === id))
  return signInPage({ ...page, path, people: [...recent, ...others].slice(0, offeredPeople) })
}

async function findInteraction(provider: Provider, req: IncomingMessage, res: ServerResponse) {
  try {
    return await provider.interactionDetails(req, res)
  } catch (error) {
    if (error instanceof Error && error.name === 'SessionNotFound') return undefined
    throw error
  }
}

/** @returns undefined if the form is larger than any valid one */
async function readForm(req: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxFormBytes) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

function sendHtml(res: ServerResponse, status: number, html: string): void {
  res.statusCode = status
  res.setHeader('content-type', 'text/html; charset=utf-8')
  res.setHeader('cache-control', 'no-store')
  res.end(html)
}
