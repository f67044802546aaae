/** HTTP and Server-Sent Events in front of a Kafka log, built from one definition. README.md describes the protocol. */
export type { GatewayOptions, IssuerOptions } from './assemble.ts'
export { NoCommandError, type ReadCommand, type Reply, readCommand } from './commands/read-command.ts'
export { DefinitionError, defineGateway } from './definition/define-gateway.ts'
export type {
  CommandRoute,
  ConsoleRoute,
  ConsoleWriting,
  Gateway,
  GatewayDefinition,
  HeaderNames,
  LetterDesk,
  LetterPlace,
  LetterPutBack,
  Limits,
  LiveRoute,
  Owner,
  OwnersPart,
  PageFind,
  Refusal,
  ReplyRoute,
  Route,
  RouteBase,
  TopicRecord,
  TopicSpec,
  UpsertRoute,
  ViewRoute,
} from './definition/definition.ts'
export { defaultHeaderNames } from './definition/definition.ts'
export type { ApiDocument, Content, Operation, Parameter, Response } from './documents/api-document.ts'
export type { TokenForm } from './documents/api-page.ts'
export { apiReferenceHtml, type ReferenceOptions } from './documents/api-reference.ts'
export { asyncApiOf } from './documents/asyncapi.ts'
export { openApiOf } from './documents/openapi.ts'
export { type JsonSchema, schemaHtml } from './documents/schema-html.ts'
export { type GatewayStatus, type RunningGateway, startGateway } from './gateway.ts'
export { type IssuerCheck, issuerFault } from './guard/key-source.ts'
export { type ClaimRule, defaultClaims, type ScopeRules, type TokenClaims } from './guard/token-claims.ts'
export { proxyFault } from './http/address.ts'
export type { UiOptions } from './http/static-ui.ts'
export type { MetricsAddress } from './operation/metrics-server.ts'
export { type FieldError, type ProblemBody, problems } from './shared/problem.ts'
export type { QueryTextName } from './shared/query-texts.ts'
export { MissingTopicError } from './views/topic-feed.ts'
export { TooManyPartitionsError } from './views/views.ts'
