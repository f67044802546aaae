/** The embedded log as a library: for tests, and for programs that need it in their own process. */

export { type Broker, type BrokerOptions, startBroker } from './broker.ts'
export type { Schedule } from './coordinators/schedule.ts'
export type { MarkerStep } from './coordinators/transaction-markers.ts'
export { type CreateBrokerOptions, createBroker } from './create-broker.ts'
export type { ApiName, Delay, Drop, RequestsToStrike } from './faults/answer-faults.ts'
export type { DiskTrouble } from './faults/disk-faults.ts'
export type { Fault } from './faults/fault.ts'
export type { BrokerFaults } from './faults/faults.ts'
export {
  ApiError,
  BrokenLogError,
  type Clock,
  type Files,
  FolderLockedError,
  type RecordError,
} from './log/index.ts'
export type { Logger } from './logger.ts'
export type { BrokerConfig, SaslCredential } from './server/config.ts'
export { defaultConfig } from './server/config.ts'
