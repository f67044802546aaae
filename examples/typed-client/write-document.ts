/** Writes what a gateway of this repository serves at `/openapi.json`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { streampayGateway } from '@streampay/api'
import { openApiOf } from '@streampay/gateway'

const folder = new URL('dist/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('openapi.json', folder), JSON.stringify(openApiOf(streampayGateway())))
