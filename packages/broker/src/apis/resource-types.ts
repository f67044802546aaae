/** Kafka's numbers for what configuration belongs to (ConfigResource.Type). */
export const resourceTypes = { topic: 2, broker: 4 } as const
