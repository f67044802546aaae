/** The name of a record: these members of it. `delete` events of the gateway name records so, too. */
export function keyOf(record: object, members: readonly string[]): string {
  const values = record as Readonly<Record<string, unknown>>
  return members.map((member) => values[member]).join(':')
}
