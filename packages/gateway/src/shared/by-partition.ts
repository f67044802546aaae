/** The offsets as a list that is indexed by partition. */
export function byPartition(listed: readonly { readonly partition: number; readonly offset: number }[]): number[] {
  const offsets: number[] = []
  for (const { partition, offset } of listed) offsets[partition] = offset
  return offsets
}
