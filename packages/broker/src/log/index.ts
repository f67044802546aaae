/** The broker's storage: types.ts has its interface, storage.ts the files. */
export { ApiError, BrokenLogError, FolderLockedError, type RecordError } from './api-error.ts'
export { descriptorBudget } from './descriptor-budget.ts'
export { type Files, nodeFiles, systemError } from './files.ts'
export { openStorage } from './storage.ts'
export type * from './types.ts'
