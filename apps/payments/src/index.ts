/** The topologies of StreamPay, and what every service needs of the log at its start: the topics. */
export { ensureTopics, replicationFactorFrom, TopicsDifferError } from './ensure-topics.ts'
export { defaultLimits, paymentsTopology } from './payments-topology.ts'
export { statisticsTopology } from './statistics-topology.ts'
