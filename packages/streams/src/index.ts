export { checkTopology } from './check-topology.ts'
export { StreamsError, type StreamsErrorCode, streamsErrors } from './errors.ts'
export { type InternalTopic, internalTopics, positionsChangelog } from './names.ts'
export * from './topology.ts'
