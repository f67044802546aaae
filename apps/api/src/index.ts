/** StreamPay's gateway, for tests and tools that run it in their own process. */
export { developmentCertificate } from './certificates.ts'
export { streampayGateway } from './routes.ts'
export { type RunOptions, runGateway } from './run-gateway.ts'
export { type Settings, settingsFrom, uiConfigOf } from './settings.ts'
