/** The clocks, passed in so that tests can turn them: those of the client that the gateway stands on. */
export { type Clock, systemClock } from '@streampay/kafka'
