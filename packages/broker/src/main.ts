/**
 * The broker as a process of its own.
 *
 * BROKER_DATA_DIR (required), BROKER_PORT (9092), BROKER_HOST (127.0.0.1, loopback only), BROKER_ADVERTISED_ADDRESS
 * (`host:port` that clients are told, where a proxy stands before the broker; default: its own), LOG_LEVEL (info),
 * BROKER_SASL_USERS (`name:password`, separated by commas; without it there is no authentication). Times and bounds of
 * connections, groups and transactions: the README has the list.
 *
 * Tells its parent process when it is ready, ends cleanly on SIGTERM and SIGINT and when the parent is gone, and says
 * in one sentence on stderr why it can't start.
 */
import { runBrokerProcess } from './broker-process.ts'

runBrokerProcess()
