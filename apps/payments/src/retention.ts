import { applicationIds, topicNamed } from '@streampay/domain'

/** How long the changelog of a payments store keeps its records, in ms. */
export function retentionOf(store: string): number {
  return Number(topicNamed(`${applicationIds.payments}-${store}-changelog`).config['retention.ms'])
}
