import { isReserved, reservedPrefix } from '@streampay/domain/identities'

/**
 * The people at the development issuer: a name and, derived from it, the username that is also the subject of the
 * tokens. There are no passwords: the issuer is for one machine, and its pages say so.
 */
export type Person = { readonly id: string; readonly name: string }

export type NameRefusal = { readonly field: 'name'; readonly message: string }

const maxNameLength = 60
const maxIdLength = 40

/** Offered on the sign-in page of a new installation. */
export const developmentPeople: readonly Person[] = [
  { id: 'ada', name: 'Ada Lovelace' },
  { id: 'grace', name: 'Grace Hopper' },
  { id: 'alan', name: 'Alan Turing' },
  { id: 'katherine', name: 'Katherine Johnson' },
]

/**
 * Makes a person of a typed text (a name, or a username for `curl`): "Žofie Nováková" is `zofie-novakova`.
 * @returns the person, or why the text is not valid, as a sentence for the form
 */
export function personFromName(typed: string): Person | NameRefusal {
  const name = typed.normalize('NFC').replace(/\s+/gu, ' ').trim()
  if (name === '') return refusal('Type a name to sign in with.')
  if (name.length > maxNameLength)
    return refusal(`A name has at most ${maxNameLength} characters; this has ${name.length}.`)
  if (isReserved(name)) return refusal(`Names that begin with “${reservedPrefix}” belong to the system itself.`)
  if (/[\p{Cc}\p{Cf}]/u.test(name)) return refusal('A name has no control characters.')
  const id = idFromName(name)
  if (id === '') return refusal('A name has at least one letter or digit.')
  // One of these has a shorter username than the one that follows from the name: both are the same person.
  const known = developmentPeople.find((person) => person.id === id || idFromName(person.name) === id)
  return known ?? { id, name }
}

export function isRefusal(result: Person | NameRefusal): result is NameRefusal {
  return 'message' in result
}

/** Letters lose their accents; characters other than letters, digits, dots and underscores become a dash. */
function idFromName(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const dashed = plain.replace(/[^\p{L}\p{N}._]+/gu, '-')
  return [...dashed]
    .slice(0, maxIdLength)
    .join('')
    .replace(/^[-.]+|[-.]+$/gu, '')
}

function refusal(message: string): NameRefusal {
  return { field: 'name', message }
}
