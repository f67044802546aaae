import { join } from 'node:path'
import type { LauncherOptions } from './options.ts'
import { applicationUrls, type Places } from './services.ts'

/** What one wants to know when everything runs. */
export function banner(options: LauncherOptions, { data }: Places): string {
  const [url, ...others] = applicationUrls(options)
  const log = options.brokers ?? `localhost:${options.brokerPort}`
  const certificate = join(data, 'gateway', 'ca.pem')
  const rows: [string, string][] = [
    ['Open', url],
    ['Watch the topics', `kcat -b ${log} -C -t commands`],
    ['Data and logs', `${data} (logs in ${join(data, 'logs')})`],
    ['Stop', 'Ctrl-C; the next start continues where this one ended'],
  ]
  if (others.length > 0) rows.splice(1, 0, ['Or another gateway', others.join(' ')])
  if (options.issuer === undefined) {
    const form = '-d grant_type=urn:streampay:dev-token -d client_id=streampay-ui -d username=ada'
    rows.splice(-2, 0, ['Token for curl', `curl --cacert ${certificate} ${url}identity/token ${form}`])
  }
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
  const note = '  The browser asks once about the development certificate.'
  return ['', 'StreamPay is ready.', '', ...lines, '', note, ''].join('\n')
}
