import { answerOf, type HttpClient, ProblemError, problemOf, retryAfterMsOf } from './http.ts'

/** A part of a list, and the address of the part before it, if there is more (RFC 8288, `rel="next"`). */
export type ListPart<Item> = { readonly items: readonly Item[]; readonly next: string | undefined }

/** @throws ProblemError for any status but 2xx, UnreachableError if there is no answer */
export async function getList<Item>(
  http: Pick<HttpClient, 'send'>,
  path: string,
  init: RequestInit = {},
): Promise<ListPart<Item>> {
  const { response, body } = await answerOf(await http.send(path, init))
  if (!response.ok) throw new ProblemError(problemOf(response, body), retryAfterMsOf(response))
  const [, next] = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '') ?? []
  return { items: body as readonly Item[], next }
}
