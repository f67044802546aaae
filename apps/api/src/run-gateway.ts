/** Starts StreamPay's gateway with given settings on a given log. */
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { developmentTokenGrant } from '@streampay/domain'
import { MissingTopicError, type RunningGateway, startGateway, type UiOptions } from '@streampay/gateway'
import type { Cluster } from '@streampay/kafka'
import { SettingError } from '@streampay/process'
import type { Logger } from 'pino'
import { type Certificate, developmentCertificate } from './certificates.ts'
import { streampayGateway } from './routes.ts'
import { type Settings, uiConfigOf } from './settings.ts'

export type RunOptions = {
  readonly settings: Settings
  readonly cluster: Cluster
  readonly logger: Logger
  /** Milliseconds since the epoch, for the certificate's dates. */
  readonly now: number
  /** Called if the views on disk are damaged; the next start builds them anew. */
  readonly onStateDamaged: (reason: string) => void
  /** Called with the time that a command waited for its answer, in ms. */
  readonly onAnswered: (tookMs: number) => void
}

/** The payments service creates the topics at its start, which may be a moment later than the gateway's. */
const topicsAttempts = 60
const topicsRetryMs = 500

/** @throws SettingError, MissingTopicError, KafkaError, or the error of the listener */
export async function runGateway({
  settings,
  cluster,
  logger,
  now,
  onStateDamaged,
  onAnswered,
}: RunOptions): Promise<RunningGateway> {
  const options = {
    cluster,
    tls: await certificateFor(settings, now),
    host: settings.host,
    port: settings.port,
    issuer: settings,
    logger,
    uiConfig: uiConfigOf(settings),
    ui: await uiFor(settings, logger),
    tokenForm: tokenFormFor(settings),
    identityProxy: identityProxyFor(settings),
    controlProxy:
      settings.controlUpstream === undefined ? undefined : { path: '/control', upstream: settings.controlUpstream },
    metrics: settings.metrics,
    corsOrigins: settings.corsOrigins,
    trustedProxies: settings.trustedProxies,
    state: { folder: settings.stateDir, maxBytes: settings.stateMaxBytes },
    onStateDamaged,
    onAnswered,
    instance: `gateway:${settings.port}`,
  }
  const gateway = streampayGateway()
  await cluster.ready()
  for (let attempt = 1; ; attempt++) {
    try {
      return await startGateway(gateway, options)
    } catch (error) {
      if (!(error instanceof MissingTopicError) || attempt === topicsAttempts) throw error
      if (attempt === 1) logger.info({ reason: error.message }, 'waiting for the topics')
      await delay(topicsRetryMs)
    }
  }
}

async function certificateFor({ certificate, dataDir }: Settings, now: number): Promise<Certificate> {
  if (certificate === undefined) return developmentCertificate(dataDir, now)
  const read = (name: string, file: string) =>
    readFile(file, 'utf8').catch((cause: unknown) => {
      throw new SettingError(`${name} names a file that cannot be read: ${file}.`, { cause })
    })
  return {
    key: await read('GATEWAY_TLS_KEY', certificate.keyFile),
    cert: await read('GATEWAY_TLS_CERT', certificate.certFile),
  }
}

/** Pay links are sent to other people, so a chat shows them with a picture. */
const sharedPaths = ['/pay/']

/** The built user interface, if it exists: without it, the gateway serves only its HTTP interface. */
async function uiFor({ uiRoot, publicOrigin }: Settings, logger: Logger): Promise<UiOptions | undefined> {
  const root = uiRoot ?? join(dirname(fileURLToPath(import.meta.url)), '../../ui/dist')
  const page = await stat(join(root, 'index.html')).catch(() => undefined)
  if (page !== undefined) return { root, origin: publicOrigin, sharedPaths }
  if (uiRoot !== undefined) throw new SettingError(`GATEWAY_UI_ROOT has no index.html: ${root}.`)
  logger.warn({ root }, 'the user interface is not built; serving without it')
  return undefined
}

/** The development issuer's own grant returns a token for a name. */
function tokenFormFor({ issuer, clientId, identityUpstream }: Settings) {
  if (identityUpstream === undefined) return undefined
  const fields = { grant_type: developmentTokenGrant, client_id: clientId }
  return { path: `${pathOf(issuer)}/token`, fields, nameField: 'username' }
}

/** The path of the development issuer's own URL, so that its links lead to this gateway. */
function identityProxyFor({ issuer, identityUpstream }: Settings) {
  if (identityUpstream === undefined) return undefined
  const path = pathOf(issuer)
  if (path === '') throw new SettingError('IDENTITY_UPSTREAM needs an OIDC_ISSUER with a path, such as /identity.')
  return { path, upstream: identityUpstream }
}

function pathOf(url: string): string {
  return new URL(url).pathname.replace(/\/$/, '')
}
