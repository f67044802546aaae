/** Log, issuer, replier and gateway together, on free ports. */

import { pino } from 'pino'
import { generate } from 'selfsigned'
import {
  type Gateway,
  type GatewayOptions,
  type RunningGateway,
  startGateway,
  type TopicSpec,
} from '../../src/index.ts'
import { openHttp1, openHttp2, type TestClient } from './http-client.ts'
import { audience, openTestIssuer, type TestIssuer } from './issuer.ts'
import { openReplier, type Replier } from './replier.ts'
import { type KeptLog, openKeptLog, openTestLog, type TestLog } from './test-log.ts'

export type Surroundings<L extends TestLog = TestLog> = {
  readonly log: L
  readonly issuer: TestIssuer
  readonly replier: Replier
  /** Those that are open: what is put into the log is shown by each of them that follows it, within `showMs`. */
  readonly gateways: Set<RunningGateway>
  readonly close: () => Promise<void>
}

/** With a log in a folder. */
export type KeptSurroundings = Surroundings<KeptLog>

/** A view that does not follow, as some tests want it, is not waited for longer. */
const showMs = 1_000

export function openSurroundings(gateway: Gateway): Promise<Surroundings> {
  return surround(gateway, openTestLog)
}

/** The same with a log in a folder. */
export function openKeptSurroundings(gateway: Gateway): Promise<KeptSurroundings> {
  return surround(gateway, openKeptLog)
}

async function surround<L extends TestLog>(
  gateway: Gateway,
  openLog: (topics: readonly TopicSpec[]) => Promise<L>,
): Promise<Surroundings<L>> {
  const [opened, issuer] = await Promise.all([openLog(gateway.topics), openTestIssuer()])
  const gateways = new Set<RunningGateway>()
  const log: L = {
    ...opened,
    put: async (...record) => {
      const metadata = await opened.put(...record)
      await Promise.all([...gateways].map((each) => each.shows(metadata, showMs)))
      return metadata
    },
  }
  const replier = await openReplier(log, gateway)
  return {
    log,
    issuer,
    replier,
    gateways,
    close: async () => {
      await replier.close()
      await log.close()
      await issuer.close()
    },
  }
}

export type TestGateway = {
  readonly running: RunningGateway
  readonly http1: TestClient
  readonly http2: TestClient
  /** Lines of the gateway's own log. */
  readonly lines: readonly string[]
  /** What it tells Prometheus. */
  readonly metrics: () => Promise<string>
  readonly close: () => Promise<void>
}

let certificate: Promise<{ readonly key: string; readonly cert: string }> | undefined

/** Self-signed, made once for each test file. */
export function testCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  certificate ??= generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' }).then((made) => ({
    key: made.private,
    cert: made.cert,
  }))
  return certificate
}

/** Resolves when it is ready. */
export async function openTestGateway(
  gateway: Gateway,
  surroundings: Surroundings,
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const started = await startTestGateway(gateway, surroundings, options)
  await started.running.ready
  return started
}

export async function startTestGateway(
  gateway: Gateway,
  { log, issuer, gateways }: Surroundings,
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const lines: string[] = []
  const running = await startGateway(gateway, {
    cluster: log.cluster,
    tls: await testCertificate(),
    host: '127.0.0.1',
    port: 0,
    issuer: { issuer: issuer.url, audience, jwksUri: issuer.jwksUri },
    logger: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
    monitorEveryMs: 100,
    metrics: { host: '127.0.0.1', port: 0 },
    ...options,
  })
  gateways.add(running)
  const http1 = openHttp1(running.port)
  const http2 = openHttp2(running.port)
  return {
    running,
    http1,
    http2,
    lines,
    metrics: async () => (await fetch(`http://127.0.0.1:${running.metricsPort}/metrics`)).text(),
    close: async () => {
      http2.close()
      gateways.delete(running)
      await running.close()
    },
  }
}
