export { partitionForKey } from './partitioner.ts'
export type * from './types.ts'
