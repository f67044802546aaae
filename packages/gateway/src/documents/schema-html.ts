/** A JSON Schema of OpenAPI or AsyncAPI in words: lists of members with their allowed values. */
import { escapeHtml, wordsHtml } from './html.ts'

/** The keywords of JSON Schema that are shown. */
export type JsonSchema = {
  /** A schema of the document, such as `#/components/schemas/Problem`. */
  readonly $ref?: string
  readonly title?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  /** The names of the members that may not be left out. */
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  /** Inclusive. */
  readonly minimum?: number
  /** Inclusive. */
  readonly maximum?: number
  /** In code points, inclusive. */
  readonly minLength?: number
  /** In code points, inclusive. */
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  /** A regular expression (ECMA-262) that a part of the text matches, unless `^` and `$` bind it. */
  readonly pattern?: string
}

/** Its type in one line, its description, and its members in lists. */
export function schemaHtml(schema: JsonSchema): string {
  return `<div class="schema"><p>${lineOf(schema)}</p>${membersOf(schema)}</div>`
}

/** In a few words, as HTML. */
export function typeHtml(schema: JsonSchema): string {
  const name = schema.title === undefined ? '' : `<code>${escapeHtml(schema.title)}</code>: `
  return `${name}${kindOf(schema)}${escapeHtml(boundsOf(schema))}`
}

function lineOf(schema: JsonSchema): string {
  const told = schema.description === undefined ? '' : ` <span class="words">${wordsHtml(schema.description)}</span>`
  return `<span class="type">${typeHtml(schema)}</span>${told}`
}

function kindOf(schema: JsonSchema): string {
  const { $ref, anyOf, items, type } = schema
  if ($ref !== undefined) return nameOf($ref)
  if (schema.const !== undefined) return valueHtml(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(valueHtml).join(' or ')
  if (anyOf !== undefined) return 'one of these'
  if (items !== undefined) return `list of ${hasMembers(items) ? 'these' : typeHtml(items)}`
  if (type === undefined) return 'any JSON'
  return [type].flat().map(escapeHtml).join(' or ')
}

function nameOf(ref: string): string {
  const name = ref.split('/').at(-1) ?? ref
  return `<a href="#schema-${escapeHtml(name)}">${escapeHtml(name)}</a>`
}

function valueHtml(value: unknown): string {
  return `<code>${escapeHtml(JSON.stringify(value))}</code>`
}

function boundsOf({ minimum, maximum, minLength, maxLength, minItems, maxItems }: JsonSchema): string {
  const bounds = [
    rangeOf(minimum, maximum, ''),
    rangeOf(minLength, maxLength, ' characters'),
    rangeOf(minItems, maxItems, ' items'),
  ].filter((text) => text !== '')
  return bounds.length === 0 ? '' : `, ${bounds.join(', ')}`
}

function rangeOf(min: number | undefined, max: number | undefined, unit: string): string {
  const [least, most] = [min, max].map((bound) => bound?.toLocaleString('en'))
  if (least === undefined && most === undefined) return ''
  if (least === undefined) return `at most ${most}${unit}`
  if (most === undefined) return `at least ${least}${unit}`
  return least === most ? `${least}${unit}` : `${least} to ${most}${unit}`
}

function hasMembers({ properties, anyOf, items }: JsonSchema): boolean {
  return properties !== undefined || anyOf !== undefined || (items !== undefined && hasMembers(items))
}

function membersOf({ properties, required = [], anyOf, items }: JsonSchema): string {
  if (items !== undefined) return hasMembers(items) ? itemsOf(items) : ''
  if (anyOf !== undefined) return listOf(anyOf.map((schema) => `${lineOf(schema)}${membersOf(schema)}`))
  if (properties === undefined) return ''
  return listOf(
    Object.entries(properties).map(([name, schema]) => {
      const need = required.includes(name) ? '' : ' <span class="need">optional</span>'
      return `<code>${escapeHtml(name)}</code>${need} ${lineOf(schema)}${membersOf(schema)}`
    }),
  )
}

function itemsOf(items: JsonSchema): string {
  return items.properties === undefined ? membersOf(items) : listOf([`${lineOf(items)}${membersOf(items)}`])
}

function listOf(entries: readonly string[]): string {
  return entries.length === 0 ? '' : `<ul>${entries.map((entry) => `<li>${entry}</li>`).join('')}</ul>`
}
