/**
 * `/openapi.json` changed so that Schemathesis can make requests from it: nothing is added, and every request stays valid for the original.
 */
import type { KnownData } from './known-data.ts'

/** What is asked for. */
export type Representation = 'json' | 'stream'

type Json = Readonly<Record<string, unknown>>
type Parameter = { readonly name: string; readonly schema: Json }
type Operation = Json & { readonly parameters?: readonly Parameter[]; readonly responses: Json }
export type Document = Json & { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

export function documentForSchemathesis(
  document: Document,
  representation: Representation,
  known: KnownData,
): Document {
  const paths = Object.entries(document.paths).flatMap(([path, operations]) => {
    const kept = Object.entries(operations).filter(([, operation]) => {
      return representation === 'stream' ? isStream(operation) : path !== '/live'
    })
    const reduced = kept.map(([method, operation]) => {
      const parameters = operation.parameters ?? []
      return [method, { ...operation, parameters: parametersOf(path, parameters, representation, known) }] as const
    })
    return reduced.length === 0 ? [] : [[path, Object.fromEntries(reduced)] as const]
  })
  return withClassesOfWhatIsLeftOut({ ...document, paths: Object.fromEntries(paths) }) as Document
}

function isStream({ responses }: Operation): boolean {
  return JSON.stringify(responses).includes('"text/event-stream"')
}

function parametersOf(
  path: string,
  parameters: readonly Parameter[],
  representation: Representation,
  known: KnownData,
) {
  return parameters.map((parameter) => {
    if (parameter.name === 'before') return { ...parameter, schema: { enum: known.pages } }
    if (parameter.name === 'view')
      return { ...parameter, schema: { type: 'array', minItems: 1, maxItems: 16, items: { enum: known.views } } }
    // A stream of the directory has only the people whose ids it names.
    if (representation === 'stream' && parameter.name === 'id' && path === '/users')
      return { ...parameter, required: true }
    return parameter
  })
}

function withClassesOfWhatIsLeftOut(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withClassesOfWhatIsLeftOut)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const isPattern = name === 'pattern' && typeof member === 'string'
      return [name, isPattern ? patternOfWhatIsLeftOut(member) : withClassesOfWhatIsLeftOut(member)]
    }),
  )
}

const character = String.raw`(?:\\u[0-9a-f]{4}|[^\\\]])`
const wideClass = new RegExp(String.raw`\[((?:${character}-${character})+)\]`, 'gu')
const ranges = new RegExp(`(${character})-(${character})`, 'gu')
const lastCodePoint = 0x10ffff

/**
 * The same pattern, with `[^…]` for each class that includes nearly all of Unicode: Hypothesis makes a set of a million characters of such
 * a class, which takes seconds. Halves of surrogate pairs are not included: Python can't encode a text that has one.
 */
function patternOfWhatIsLeftOut(pattern: string): string {
  return pattern.replaceAll(wideClass, (whole, inside: string) => {
    const named = [...inside.matchAll(ranges)].map(
      ([, first = '', last = '']) => [pointOf(first), pointOf(last)] as const,
    )
    if (named.at(-1)?.[1] !== lastCodePoint) return whole
    let leftOut = ''
    let next = 0
    for (const [first, last] of named) {
      if (next < first && next !== 0xd800) leftOut += `${written(next)}-${written(first - 1)}`
      next = last + 1
    }
    return leftOut === '' ? String.raw`(?:.|\s)` : `[^${leftOut}]`
  })
}

function pointOf(text: string): number {
  return text.startsWith('\\u') ? Number.parseInt(text.slice(2), 16) : (text.codePointAt(0) ?? 0)
}

function written(point: number): string {
  return point > 0xffff ? String.fromCodePoint(point) : `\\u${point.toString(16).padStart(4, '0')}`
}
