/**
 * The language in which message layouts are written: plain objects whose keys are Kafka's field names in wire order,
 * and whose values give type, versions and default. TypeScript infers the decoded and the encodable types from a
 * layout; `compile-decoder.ts` and `compile-encoder.ts` turn it into functions.
 *
 * A field with options (`since`, `until`, `tag`, `default`) may be left out when encoding; decoding always fills it.
 * Versions are inclusive. Fields with a `tag` are written only where they differ from their default.
 *
 * Source: https://github.com/apache/kafka/tree/trunk/clients/src/main/resources/common/message (README.md)
 */
type Primitive = 'int8' | 'int16' | 'int32' | 'int64' | 'float64' | 'bool' | 'uuid' | 'string' | 'bytes'

export type Options<T> = {
  readonly since?: number
  readonly until?: number
  readonly tag?: number
  readonly default?: T
}

/** `D` is the decoded type, `E` the type to encode, `O` whether it may be left out when encoding. */
export type Field<D = unknown, E = unknown, O extends boolean = boolean> = {
  /** An `array` has structs, by `layout`; a `list` has values of one primitive type, by `item`. */
  readonly type: Primitive | 'array' | 'list' | 'struct'
  /** Whether null is allowed on the wire. */
  readonly nullable: boolean
  /** The first version that has the field. */
  readonly since: number
  /** The last version that has the field, inclusive; Infinity if it was never removed. */
  readonly until: number
  /** The number of a tagged field (KIP-482); null for a field in wire order. */
  readonly tag: number | null
  /** The value that decoding returns if the field is absent. */
  readonly default: unknown
  /** The fields of a struct; null for other types. */
  readonly layout: Layout | null
  /** The type of the elements of an array or list; null for other types. */
  readonly item: Field | null
  /** Only for type inference; never set. */
  readonly decoded?: D
  /** Only for type inference; never set. */
  readonly encodable?: E
  /** Only for type inference; never set. */
  readonly optional?: O
}

/** A message or structure: its fields by Kafka's names, in wire order. */
export type Layout = { readonly [name: string]: Field }

type Flatten<T> = { [K in keyof T]: T[K] }

/** The decoded type of a layout: every field, also those that the version does not have, with their defaults. */
export type Decoded<L extends Layout> = { [K in keyof L]: L[K] extends Field<infer D, unknown, boolean> ? D : never }

type RequiredKeys<L extends Layout> = {
  [K in keyof L]: L[K] extends Field<unknown, unknown, false> ? K : never
}[keyof L]

type EncodableField<F> = F extends Field<unknown, infer E, boolean> ? E : never

/** The type to encode for a layout: fields with options may be left out. */
export type Encodable<L extends Layout> = Flatten<
  { readonly [K in RequiredKeys<L>]: EncodableField<L[K]> } & {
    readonly [K in Exclude<keyof L, RequiredKeys<L>>]?: EncodableField<L[K]> | undefined
  }
>

type Maker<T> = {
  (): Field<T, T, false>
  (options: Options<T>): Field<T, T, true>
}

function maker<T>(type: Primitive, nullable: boolean, empty: T): Maker<T> {
  return ((options: Options<T> = {}) => field({ type, nullable, options, empty })) as Maker<T>
}

type Parts = {
  type: Field['type']
  nullable: boolean
  options: Options<unknown>
  empty: unknown
  layout?: Layout
  item?: Field
}

function field(parts: Parts): Field<never, never, never> {
  const { options } = parts
  return {
    type: parts.type,
    nullable: parts.nullable,
    since: options.since ?? 0,
    until: options.until ?? Number.POSITIVE_INFINITY,
    tag: options.tag ?? null,
    default: options.default === undefined ? parts.empty : options.default,
    layout: parts.layout ?? null,
    item: parts.item ?? null,
  }
}

/** The UUID of zeros, which means that there is none. */
export const NO_UUID = '00000000-0000-0000-0000-000000000000'
const NO_BYTES = Buffer.alloc(0)

export const int8 = maker<number>('int8', false, 0)
export const int16 = maker<number>('int16', false, 0)
export const int32 = maker<number>('int32', false, 0)
export const int64 = maker<number>('int64', false, 0)
export const float64 = maker<number>('float64', false, 0)
export const bool = maker<boolean>('bool', false, false)
export const uuid = maker<string>('uuid', false, NO_UUID)
export const string = maker<string>('string', false, '')
export const nullableString = maker<string | null>('string', true, null)
export const bytes = maker<Buffer>('bytes', false, NO_BYTES)
/** Record batches, encoded as bytes; the name documents the content. */
export const records = maker<Buffer | null>('bytes', true, null)

type Structs<L extends Layout, N> = {
  decoded: Decoded<L>[] | N
  encodable: ReadonlyArray<Encodable<L>> | N
}

/** An array of structures. */
export function array<L extends Layout>(
  layout: L,
): Field<Structs<L, never>['decoded'], Structs<L, never>['encodable'], false>
export function array<L extends Layout>(
  layout: L,
  options: Options<never>,
): Field<Structs<L, never>['decoded'], Structs<L, never>['encodable'], true>
export function array(layout: Layout, options: Options<never> = {}): Field {
  return field({ type: 'array', nullable: false, options, empty: [], layout })
}

/** An array of structures, or null. The default is null. */
export function nullableArray<L extends Layout>(
  layout: L,
  options: Options<null> = {},
): Field<Structs<L, null>['decoded'], Structs<L, null>['encodable'], true> {
  return field({ type: 'array', nullable: true, options, empty: null, layout })
}

/** An array of one primitive type. */
export function list<T>(item: Field<T, T, boolean>): Field<T[], readonly T[], false>
export function list<T>(item: Field<T, T, boolean>, options: Options<never>): Field<T[], readonly T[], true>
export function list(item: Field, options: Options<never> = {}): Field {
  return field({ type: 'list', nullable: false, options, empty: [], item })
}

/** An array of one primitive type, or null. The default is null. */
export function nullableList<T>(
  item: Field<T, T, boolean>,
  options: Options<null> = {},
): Field<T[] | null, readonly T[] | null, true> {
  return field({ type: 'list', nullable: true, options, empty: null, item })
}

/** One structure or null. As a tagged field, null means that it is absent; elsewhere a byte says which it is. */
export function struct<L extends Layout>(
  layout: L,
  options: Options<null> = {},
): Field<Decoded<L> | null, Encodable<L> | null, true> {
  return field({ type: 'struct', nullable: true, options, empty: null, layout })
}
