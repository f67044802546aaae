/** Kafka's numbers for the kinds of resources with a configuration (ConfigResource.Type). */
export const resourceTypes = { topic: 2, broker: 4 } as const
