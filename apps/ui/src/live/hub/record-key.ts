/** The name of a record: the values of these members. `delete` events of the gateway name records in the same way. */
export function keyOf(record: object, members: readonly string[]): string {
  const values = record as Readonly<Record<string, unknown>>
  return members.map((member) => values[member]).join(':')
}
