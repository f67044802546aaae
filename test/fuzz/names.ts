/** The names in frames: few, so that frames affect the same resources. */

export const partitionsOfTopic = 3

/** Topics that are created again after frames have deleted them, and so are read at the end. */
export const keptTopics: readonly { readonly name: string; readonly configs: Readonly<Record<string, string>> }[] = [
  { name: 'plain', configs: { 'segment.bytes': '1000000', 'retention.ms': '-1', 'retention.bytes': '20000000' } },
  { name: 'compacted', configs: { 'cleanup.policy': 'compact', 'segment.bytes': '100000' } },
  {
    name: 'dated',
    configs: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1', 'retention.bytes': '20000000' },
  },
]

export const passingTopics = ['other', 'another', '__consumer_offsets', '', 'ü']
export const topics = ['plain', 'plain', 'plain', 'compacted', 'dated', ...passingTopics]
export const groups = ['group-0', 'group-1', 'group-2', '']
export const transactionalIds = ['tx-0', 'tx-1', 'tx-2', 'tx-3', 'tx-4', 'tx-5', '']
