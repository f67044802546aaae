import { join } from 'node:path'
import type { LauncherOptions } from './options.ts'
import { applicationUrls, authorityFile, type Places } from './services.ts'

/** The lines that `npm start` prints when everything runs. */
export function banner(options: LauncherOptions, places: Places): string {
  const { data } = places
  const [url, ...others] = applicationUrls(options)
  const log = options.brokers ?? `localhost:${options.brokerPort}`
  const certificate = authorityFile(places)
  const rows: [string, string][] = [
    ['Open', url],
    ['Watch the topics', `kcat -b ${log} -C -t commands`],
    ['Data and logs', `${data} (logs in ${join(data, 'logs')})`],
    ['Stop', 'Ctrl-C; the next start continues where this one ended'],
  ]
  if (others.length > 0) rows.splice(1, 0, ['Or another gateway', others.join(' ')])
  if (options.issuer === undefined) {
    const form = '-d grant_type=urn:streampay:dev-token -d client_id=streampay-ui -d username=ada'
    rows.splice(-2, 0, ['Token for curl', `curl --cacert ${forShell(certificate)} ${url}identity/token ${form}`])
  }
  if (options.issuer !== undefined) rows.splice(-2, 0, ['Operators', operators(options)])
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
  const note = '  The browser asks once about the development certificate; npm start -- --trust prevents that.'
  return ['', 'StreamPay is ready.', '', ...lines, '', note, ''].join('\n')
}

/** Whether a scope makes an operator depends on an issuer's settings, so no suggestion is made. */
function operators({ operator }: LauncherOptions): string {
  if (operator === undefined)
    return 'none: set the claim that makes an operator with --operator <claim=value> (read:console)'
  const [claim = '', ...value] = operator.split('=')
  return `whose token has "${value.join('=')}" in its claim ${claim} (read:console)`
}

/** One word of a command line that can be pasted, for any name of the folder. */
function forShell(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  // On Windows a name has no quotation marks; on other systems a single one is put between two texts.
  return process.platform === 'win32' ? `"${text}"` : `'${text.replaceAll("'", `'\\''`)}'`
}
