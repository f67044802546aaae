/** The Kafka wire protocol: messages, headers, errors, record batches; both directions, no I/O. */
export type { AnyApi, Api, RequestInputOf, RequestOf, ResponseInputOf, ResponseOf } from './api.ts'
export { type ApiName, apiByKey, apis } from './apis.ts'
export {
  type BatchHeader,
  type BatchLimits,
  type BatchToEncode,
  type BatchView,
  batchesOf,
  decodeRecords,
  encodeBatch,
  readBatchHeader,
  setBaseOffset,
  setCreateTime,
  setLogAppendTime,
  type TimestampType,
  verifyCrc,
  visitRecords,
  walkRecords,
} from './batch.ts'
export { INT64_MAX } from './byte-reader.ts'
export { type Compression, compressions } from './compression.ts'
export { type ControlRecord, decodeControlRecord, encodeControlBatch } from './control.ts'
export { type ErrorInfo, type ErrorName, errorByCode, errors } from './errors.ts'
export { FrameError, FrameSplitter } from './frames.ts'
export {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  type RequestHeader,
} from './header.ts'
export { type Decoded, type Encodable, type Field, type Layout, NO_UUID } from './layout.ts'
export { MalformedError, OversizedError } from './malformed.ts'
export type { VisitWalkedRecord } from './record-walk.ts'
export type { DecodedRecord, RecordHeaders, RecordToEncode, VisitRecord, WantedHeaders } from './records.ts'
