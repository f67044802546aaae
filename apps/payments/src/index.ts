/** The topologies of StreamPay, and the topics that every service needs on the log at its start. */
export { ensureTopics, replicationFactorFrom } from './ensure-topics.ts'
export { paymentsErrors, TopicsDifferError, UntrustedRecord } from './errors.ts'
export { bytesOfKey } from './idempotency.ts'
export { defaultLimits, type PaymentsLimits } from './limits.ts'
export { paymentsTopology } from './payments-topology.ts'
export { statisticsCommitIntervalMs, statisticsTopology } from './statistics-topology.ts'
