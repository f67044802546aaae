/** The clocks, passed in so that tests can set them: those of the Kafka client that the gateway uses. */
export { type Clock, systemClock } from '@streampay/kafka'
