import { t } from '../i18n/console.ts'
import { spanWords } from './retention-words.ts'
import { sizeWords } from './size-words.ts'

/**
 * A topic's configuration in sentences, from the settings as Kafka names them. Settings without a sentence here are shown in the list of
 * all settings.
 */
export type Setting = { readonly names: readonly string[]; readonly words: string }

type Config = Readonly<Record<string, string>>

export function configWords(config: Config): readonly Setting[] {
  return sentences.flatMap(({ names, wordsOf }) => {
    const words = names.some((name) => config[name] !== undefined) ? wordsOf(config) : undefined
    return words === undefined ? [] : [{ names, words }]
  })
}

type Sentence = { readonly names: readonly string[]; readonly wordsOf: (config: Config) => string | undefined }

const sentences: readonly Sentence[] = [
  { names: ['cleanup.policy', 'retention.ms', 'retention.bytes'], wordsOf: keepingWords },
  { names: ['delete.retention.ms'], wordsOf: tombstoneWords },
  { names: ['message.timestamp.type'], wordsOf: timeWords },
  { names: ['max.message.bytes'], wordsOf: (config) => batchWords(numberOf(config, 'max.message.bytes')) },
  { names: ['min.insync.replicas'], wordsOf: (config) => replicaWords(numberOf(config, 'min.insync.replicas')) },
  { names: ['unclean.leader.election.enable'], wordsOf: electionWords },
  { names: ['compression.type'], wordsOf: compressionWords },
  { names: ['segment.bytes', 'segment.ms'], wordsOf: segmentWords },
]

function keepingWords(config: Config): string | undefined {
  const policies = (config['cleanup.policy'] ?? 'delete').split(',').map((policy) => policy.trim())
  const latest = policies.includes('compact') ? [t('topics.compacted')] : []
  if (!policies.includes('delete')) return latest.join(' ')
  const age = ageWords(numberOf(config, 'retention.ms'), numberOf(config, 'retention.bytes') ?? -1)
  return [...latest, ...(age === undefined ? [] : [age])].join(' ') || undefined
}

/** @param bytes less than 0 if there is no limit */
function ageWords(ms: number | undefined, bytes: number): string | undefined {
  if (ms === undefined) return undefined
  if (ms < 0) return bytes < 0 ? t('topics.ageless') : t('topics.agelessUpTo', { size: sizeWords(bytes) })
  const span = spanWords(ms)
  return bytes < 0 ? t('topics.aged', { span }) : t('topics.agedUpTo', { span, size: sizeWords(bytes) })
}

/** Only compacted topics keep tombstones for a set time. */
function tombstoneWords(config: Config): string | undefined {
  const ms = numberOf(config, 'delete.retention.ms')
  if (ms === undefined || !(config['cleanup.policy'] ?? '').includes('compact')) return undefined
  return t('topics.tombstones', { span: spanWords(ms) })
}

function timeWords(config: Config): string {
  return t(config['message.timestamp.type'] === 'LogAppendTime' ? 'topics.timeOfLog' : 'topics.timeOfSender')
}

function batchWords(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : t('topics.batchSize', { size: sizeWords(bytes) })
}

function replicaWords(count: number | undefined): string | undefined {
  return count === undefined ? undefined : t('topics.replicasInSync', { count })
}

function electionWords(config: Config): string {
  const isUnclean = config['unclean.leader.election.enable'] === 'true'
  return t(isUnclean ? 'topics.uncleanElection' : 'topics.cleanElection')
}

function compressionWords(config: Config): string {
  const type = config['compression.type'] ?? ''
  if (type === 'producer') return t('topics.compressedBySender')
  return type === 'uncompressed' ? t('topics.uncompressed') : t('topics.compressedWith', { type })
}

function segmentWords(config: Config): string | undefined {
  const [bytes, ms] = [numberOf(config, 'segment.bytes'), numberOf(config, 'segment.ms')]
  const size = bytes === undefined ? undefined : sizeWords(bytes)
  const span = ms === undefined ? undefined : spanWords(ms)
  if (size !== undefined && span !== undefined) return t('topics.fileUpToEither', { size, span })
  const limit = size ?? span
  return limit === undefined ? undefined : t('topics.fileUpTo', { limit })
}

function numberOf(config: Config, name: string): number | undefined {
  const value = Number(config[name] ?? Number.NaN)
  return Number.isNaN(value) ? undefined : value
}
