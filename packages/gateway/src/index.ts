/** HTTP and Server-Sent Events in front of a Kafka log, built from one definition. README.md describes the protocol. */
export type { GatewayOptions } from './assemble.ts'
export { NoCommandError, type ReadCommand, type Reply, readCommand } from './commands/read-command.ts'
export { DefinitionError, defineGateway } from './definition/define-gateway.ts'
export type {
  CommandRoute,
  ConsoleRoute,
  Gateway,
  GatewayDefinition,
  HeaderNames,
  LetterDesk,
  Limits,
  Owner,
  PageFind,
  Refusal,
  ReplyRoute,
  Route,
  TopicRecord,
  TopicSpec,
  UpsertRoute,
  ViewRoute,
} from './definition/definition.ts'
export { defaultHeaderNames } from './definition/definition.ts'
export type { ApiDocument } from './documents/api-document.ts'
export type { TokenForm } from './documents/api-page.ts'
export { apiReferenceHtml } from './documents/api-reference.ts'
export { asyncApiOf } from './documents/asyncapi.ts'
export { openApiOf } from './documents/openapi.ts'
export { schemaHtml } from './documents/schema-html.ts'
export { type RunningGateway, startGateway } from './gateway.ts'
export { issuerFault } from './guard/key-source.ts'
export { type ClaimRule, defaultClaims, type ScopeRules, type TokenClaims } from './guard/token-claims.ts'
export { proxyFault } from './http/address.ts'
export type { UiOptions } from './http/static-ui.ts'
export { type FieldError, problems } from './shared/problem.ts'
export { MissingTopicError } from './views/topic-feed.ts'
export { TooManyPartitionsError } from './views/views.ts'
