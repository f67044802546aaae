/** The topologies of StreamPay, and what every service needs of the log at its start: the topics. */
export { ensureTopics, replicationFactorFrom } from './ensure-topics.ts'
export { paymentsErrors, TopicsDifferError, UntrustedRecord } from './errors.ts'
export { bytesOfKey } from './idempotency.ts'
export { defaultLimits, type PaymentsLimits } from './limits.ts'
export { paymentsTopology } from './payments-topology.ts'
export { statisticsCommitIntervalMs, statisticsTopology } from './statistics-topology.ts'
