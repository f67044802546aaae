export { LocalStoreError, type LocalStoreErrorCode, localStoreErrors } from './errors.ts'
export { keyAfter, keysWithPrefix } from './keys.ts'
export * from './local-store.ts'
export { type OpenedLocalStore, type OpenOptions, openLocalStore } from './open.ts'
