import { lookAtBroker } from './look-at-broker.ts'

lookAtBroker('the first file')
