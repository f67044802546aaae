/** Every topic, from the list from which they are created. */
import { type TopicDefinition, topics } from '@streampay/domain'
import { schemaHtml } from '@streampay/gateway'
import { type Document, documentOf } from '../documents.ts'
import { htmlBlock, tableOf } from './markdown.ts'

export function topicsPage(): Document {
  const shared = topics.filter(({ internal }) => !internal)
  const own = topics.filter(({ internal }) => internal)
  const text = [
    '# Topics',
    'What is on the log: every topic with its key, its configuration and the schema of its values. For programs a gateway has the same at `/asyncapi.json`.',
    tableOf(
      ['topic', 'key', 'partitions', 'written by', 'content'],
      shared.map(({ name, key, partitions, writtenBy, description }) => [
        `[${name}](#${name})`,
        key,
        String(partitions),
        writtenBy.join(', '),
        description,
      ]),
    ),
    ...shared.flatMap(sectionOf),
    '## Topics of one application',
    'Changelogs of state stores and topics between the steps of a topology. Nothing else reads or writes them, and they are not part of the public interface.',
    tableOf(
      ['topic', 'key', 'partitions', 'content'],
      own.map(({ name, key, partitions, description }) => [`\`${name}\``, key, String(partitions), description]),
    ),
  ]
  return documentOf('reference/topics.md', text.join('\n\n'))
}

function sectionOf({ name, description, key, config, valueSchema }: TopicDefinition): string[] {
  const rows = Object.entries(config).map(([setting, value]) => [`\`${setting}\``, `\`${value}\``])
  return [
    `## ${name}`,
    `${description} Key: ${key}.`,
    tableOf(['configuration', 'value'], rows),
    htmlBlock(schemaHtml(valueSchema)),
  ]
}
