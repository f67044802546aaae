/** The topologies of StreamPay and what every service needs to start: the log's topics. */
export { defaultLimits, paymentsTopology } from './payments-topology.ts'
export { statisticsTopology } from './statistics-topology.ts'
