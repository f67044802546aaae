/** A local store that outlives the processes which open it, as a disk does, and whose content a test can replace. */
import type { LocalStore } from '@streampay/local-store'
import { type MemoryStore, memoryStore, type StoreImage } from '@streampay/local-store/memory'
import type { OpenState } from '../../src/state/state-options.ts'

export class Disk {
  #store: MemoryStore
  /** Called after each write of a process. */
  onWrite: (store: LocalStore) => void = () => undefined
  /** Before each write: a test throws the errors of a disk here. */
  beforeWrite: () => void = () => undefined

  constructor(image?: StoreImage) {
    this.#store = memoryStore(image)
  }

  /** What is on it now. */
  get image(): StoreImage {
    return this.#store.snapshot()
  }

  /** Changes it while no process has it open. */
  set image(image: StoreImage) {
    this.#store = memoryStore(image)
  }

  /** Its content for the next process: what the one before has left there. */
  readonly open: OpenState = async () => {
    const store = memoryStore(this.image)
    this.#store = store
    const write: LocalStore['write'] = (change) => {
      this.beforeWrite()
      store.write(change)
      this.onWrite(store)
    }
    const opened: LocalStore = {
      table: (name) => store.table(name),
      tableNames: () => store.tableNames(),
      write,
      bytes: () => store.bytes(),
      dropTable: (name) => store.dropTable(name),
      close: () => store.close(),
    }
    return { store: opened, wiped: undefined }
  }
}
