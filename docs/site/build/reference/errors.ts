/** Every error: the problems of the HTTP interface and the codes of what is thrown, from the tables in the code. */
import { problems, problemTypePrefix } from '@streampay/domain'
import { problems as problemsOfGateway } from '@streampay/gateway'
import { errorTable } from '@streampay/kafka'
import { localStoreErrors } from '@streampay/local-store'
import { streamsErrors } from '@streampay/streams'
import { paymentsErrors } from '../../../../apps/payments/src/errors.ts'
import { type Document, documentOf } from '../documents.ts'
import { tableOf } from './markdown.ts'

export function errorsPage(): Document {
  const text = [
    '# Errors',
    'Every answer that is an error, and every code of what a package or service throws. A code never changes its meaning.',
    '## Problems of the HTTP interface',
    `The body is \`application/problem+json\` (RFC 9457), and its \`type\` is \`${problemTypePrefix}\` with the slug. Members beside the standard ones are described in [the gateway's protocol](/packages/gateway/#problems). The gateway's own problems are decided before anything is written; the others are refusals of the payments service.`,
    problemTable(),
    '## Kafka client',
    'Class `KafkaError`, member `code`.',
    retriableTable(errorTable),
    '## Streams',
    'Class `StreamsError`, member `code`. None may be retried within the process.',
    meaningTable(streamsErrors),
    '## Local store',
    'Class `LocalStoreError`, member `code`.',
    meaningTable(localStoreErrors),
    '## Payments service',
    retriableTable(paymentsErrors),
  ]
  return documentOf('reference/errors.md', text.join('\n\n'))
}

function problemTable(): string {
  const rows = Object.entries(problems)
    .toSorted(([, one], [, other]) => one.status - other.status)
    .map(([slug, { status, title }]) => [
      String(status),
      `\`${slug}\``,
      title,
      slug in problemsOfGateway ? 'gateway' : 'payments',
    ])
  return tableOf(['status', 'slug', 'title', 'said by'], rows)
}

function retriableTable(table: Readonly<Record<string, { retriable: boolean; meaning: string }>>): string {
  const rows = Object.entries(table).map(([code, { retriable, meaning }]) => [
    `\`${code}\``,
    retriable ? 'yes' : 'no',
    meaning,
  ])
  return tableOf(['code', 'may the same call succeed later?', 'meaning'], rows)
}

function meaningTable(table: Readonly<Record<string, string>>): string {
  return tableOf(
    ['code', 'meaning'],
    Object.entries(table).map(([code, meaning]) => [`\`${code}\``, meaning]),
  )
}
