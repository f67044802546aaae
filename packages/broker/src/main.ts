/**
 * The broker as a process of its own.
 *
 * BROKER_DATA_DIR (required), BROKER_PORT (9092), BROKER_HOST (127.0.0.1, loopback only), BROKER_ADVERTISED_ADDRESS
 * (`host:port` for clients, if there is a proxy in front of the broker; default: its own), LOG_LEVEL (info),
 * BROKER_SASL_USERS (`name:password`, separated by commas; without it there is no authentication). Times and limits of
 * connections, groups and transactions: the README has the list.
 *
 * It sends its parent process a message when it is ready, ends in an orderly way on SIGTERM and SIGINT and when the parent has ended,
 * and writes one sentence to stderr if it can't start.
 */
import { runBrokerProcess } from './broker-process.ts'

runBrokerProcess()
