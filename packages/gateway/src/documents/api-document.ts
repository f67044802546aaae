/** The part of a gateway's OpenAPI document that its page shows. */
import type { JsonSchema } from './schema-html.ts'

/** A parameter of an operation; `in` is path, query or header. */
export type Parameter = {
  readonly name: string
  readonly in: string
  readonly description?: string
  /** Default false. */
  readonly required?: boolean
  readonly schema: JsonSchema
}
/** Media type → schema and example. */
export type Content = Readonly<Record<string, { readonly schema?: JsonSchema; readonly example?: unknown }>>
/** An answer of an operation. */
export type Response = { readonly description: string; readonly content?: Content }
/** An operation of the interface; `responses` are by status, as text. */
export type Operation = {
  /** Unique in the document; the page uses it as the anchor of the operation. */
  readonly operationId: string
  readonly summary: string
  /** The names of the groups in which the page shows it. */
  readonly tags: readonly string[]
  /** The page reads the first: the required scopes by the name of their scheme. Without any, no token is needed. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly description?: string; readonly required?: boolean; readonly content: Content }
  /** By status, as text. */
  readonly responses: Readonly<Record<string, Response>>
}
/** The part of an OpenAPI 3.1 document that its page shows. */
export type ApiDocument = {
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  /** The groups of operations, in the order in which the page shows them. */
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  /** By path and, below it, by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  /** Schemas by the name that `$ref` gives. */
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}
/** An operation with its method and path. */
export type Placed = { readonly method: string; readonly path: string; readonly operation: Operation }
