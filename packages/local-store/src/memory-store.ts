/**
 * A local store in the heap, for tests and models: the same contract, without a folder. Its contents can be kept as an image
 * and opened again, so that a test can restore an older state, or one that is combined from two.
 */
import { BTreeEx } from 'sorted-btree/extended/index.js'
import type { KeyBounds, LocalEntry, LocalRange, LocalStore } from './local-store.ts'
import { type Change, type Engine, RuledStore } from './rules.ts'

type Tree = BTreeEx<Buffer, Buffer>

const held = Symbol('held')
/** The contents of a table: opaque. */
export type TableImage = { readonly [held]: Tree }
/** The tables of a store at one moment, by name. Creating and opening an image copies nothing. */
export type StoreImage = ReadonlyMap<string, TableImage>

/** A local store in the heap. `close` ends it, as for a store in a folder; `snapshot` still returns its contents. */
export type MemoryStore = LocalStore & {
  /** Also works on a closed store. */
  snapshot(): StoreImage
}

/**
 * Opens a local store in the heap, without a limit of its size.
 * @param image the contents at its start; default: empty
 * @example
 * ```ts
 * import { memoryStore } from '@streampay/local-store/memory'
 *
 * const store = memoryStore()
 * const people = store.table('people')
 * store.write((batch) => batch.put(people, Buffer.from('ada'), Buffer.from('Ada Lovelace')))
 * const image = store.snapshot()
 * store.write((batch) => batch.delete(people, Buffer.from('ada')))
 * console.log(people.count(), memoryStore(image).table('people').count()) // → 0 1
 * ```
 */
export function memoryStore(image: StoreImage = new Map()): MemoryStore {
  const engine = new HeapEngine(image)
  const store = new RuledStore(engine, { maxTables: Number.POSITIVE_INFINITY })
  return Object.assign(store, { snapshot: () => engine.image() })
}

type HeapTable = { readonly name: string; tree: Tree }

class HeapEngine implements Engine<HeapTable> {
  readonly #tables = new Map<string, HeapTable>()

  constructor(image: StoreImage) {
    for (const [name, table] of image) this.#tables.set(name, { name, tree: table[held].clone() })
  }

  openTable(name: string): HeapTable {
    const table = this.#tables.get(name) ?? { name, tree: new BTreeEx<Buffer, Buffer>([], Buffer.compare) }
    this.#tables.set(name, table)
    return table
  }

  tableNames(): string[] {
    return [...this.#tables.keys()]
  }

  dropTable({ name }: HeapTable): void {
    this.#tables.delete(name)
  }

  get({ tree }: HeapTable, key: Uint8Array): Buffer | undefined {
    const value = tree.get(asBuffer(key))
    return value === undefined ? undefined : Buffer.from(value)
  }

  *entries({ tree: now }: HeapTable, range: LocalRange): Generator<LocalEntry, undefined> {
    // A copy that shares its nodes until one of the two is changed.
    const tree = now.clone()
    const { gte, lt, reverse = false } = range
    const pairs = reverse
      ? tree.entriesReversed(lt && asBuffer(lt), undefined, true)
      : tree.entries(gte && asBuffer(gte))
    let left = range.limit ?? Number.POSITIVE_INFINITY
    for (const [key, value] of pairs) {
      if (left-- <= 0 || !isWithin(key, { gte, lt })) return
      yield { key: Buffer.from(key), value: Buffer.from(value) }
    }
  }

  count({ tree }: HeapTable): number {
    return tree.size
  }

  commit(changes: readonly Change<HeapTable>[]): void {
    for (const made of changes) {
      const { tree } = made.table
      if (made.type === 'put') tree.set(Buffer.from(made.key), Buffer.from(made.value))
      else if (made.type === 'delete') tree.delete(asBuffer(made.key))
      else for (const { key } of this.entries(made.table, made.bounds)) tree.delete(key)
    }
  }

  bytes(): number {
    let bytes = 0
    for (const { tree } of this.#tables.values()) {
      tree.forEachPair((key, value) => {
        bytes += key.length + value.length
      })
    }
    return bytes
  }

  async close(): Promise<void> {}

  image(): StoreImage {
    return new Map([...this.#tables].map(([name, { tree }]) => [name, { [held]: tree.clone() }]))
  }
}

function isWithin(key: Buffer, { gte, lt }: KeyBounds): boolean {
  return (gte === undefined || Buffer.compare(key, gte) >= 0) && (lt === undefined || Buffer.compare(key, lt) < 0)
}

/** The same bytes, not a copy. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
