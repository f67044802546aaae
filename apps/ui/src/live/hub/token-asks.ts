import type { TokenSource } from '../../api/http.ts'

type Asked = { readonly askForToken: (ask: number, refused: string | undefined) => void }

/**
 * Asks the tabs for tokens, because they have the session; all are asked, since any of them may be frozen, and the
 * first answer counts.
 */
export class TokenAsks implements TokenSource {
  readonly #tabs: () => Iterable<Asked>
  /** Open questions by the token that was refused, if one was: the same question is asked once. */
  readonly #open = new Map<string, { readonly ask: number; readonly promise: Promise<string | undefined> }>()
  readonly #settle = new Map<number, (token: string | undefined) => void>()
  #last = 0

  constructor(tabs: () => Iterable<Asked>) {
    this.#tabs = tabs
  }

  token = () => this.#ask(undefined)
  renew = (refused: string) => this.#ask(refused)

  answer(ask: number, token: string | undefined): void {
    this.#settle.get(ask)?.(token)
  }

  /** A tab that came after the others were asked may be the only one that can answer. */
  repeatFor(tab: Asked): void {
    for (const [refused, { ask }] of this.#open) tab.askForToken(ask, refused === '' ? undefined : refused)
  }

  /** No tab is left. */
  giveUp(): void {
    for (const settle of this.#settle.values()) settle(undefined)
  }

  #ask(refused: string | undefined): Promise<string | undefined> {
    const name = refused ?? ''
    const before = this.#open.get(name)
    if (before !== undefined) return before.promise
    this.#last += 1
    const ask = this.#last
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.#open.set(name, { ask, promise })
    this.#settle.set(ask, (token) => {
      this.#open.delete(name)
      this.#settle.delete(ask)
      resolve(token)
    })
    for (const tab of this.#tabs()) tab.askForToken(ask, refused)
    return promise
  }
}
