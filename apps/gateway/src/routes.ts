/** The whole HTTP interface of StreamPay, on one page. `/openapi.json` and `/asyncapi.json` are made from it. */
import {
  applicationIds,
  type BlockBody,
  blockReply,
  closeReply,
  commandBodyErrors,
  domainModels,
  headerNames,
  isReserved,
  type PayBody,
  type ProfileBody,
  payReply,
  problem,
  profileBody,
  profileErrors,
  type RequestBody,
  requestReply,
  requestStatuses,
  reservedPrefix,
  type Scope,
  topicNames,
  topics,
  userFault,
} from '@streampay/domain'

import {
  type CommandRoute,
  defineGateway,
  type Gateway,
  type Limits,
  type Refusal,
  type TopicRecord,
  type ViewRoute,
} from '@streampay/gateway'

const { identity, requester, requestStatus, requestId } = headerNames

/** The caller's own, by the header that tells whose a record is. */
const own = [{ header: identity }] as const

/** `?status=open`: only those. */
const byStatus = { status: { header: requestStatus, values: requestStatuses } } as const

const scopeWords: Readonly<Record<Scope, string>> = {
  'write:pay': 'pay, and decline requests',
  'write:request': 'request money, and cancel requests',
  'write:users': 'change the own profile',
  'read:activities': "see everybody's activity",
  'read:payment-requests': 'see own requests, received and sent',
  'read:balances': 'see the own balance and statement',
  'read:total-transactions': 'see the total of all payments',
  'read:average-transactions': 'see the average of all payments',
  'read:users': 'see the directory',
  'read:console': 'watch every topic, as an operator',
}

const commands: readonly CommandRoute[] = [
  {
    kind: 'command',
    path: '/pay',
    summary: 'Pay somebody, or settle their request.',
    scope: 'write:pay',
    model: 'PayCommand',
    body: domainModels.PayCommand,
    explain: (body) => commandBodyErrors('PayCommand', body),
    refuse: (body, payer) => refuseRecipient((body as PayBody).userId, payer),
    success: { 200: payReply },
    refusals: [403, 404, 409, 422, 429],
  },
  {
    kind: 'command',
    path: '/request',
    summary: 'Request money from somebody.',
    scope: 'write:request',
    model: 'RequestCommand',
    body: domainModels.RequestCommand,
    explain: (body) => commandBodyErrors('RequestCommand', body),
    refuse: (body, asker) => refuseRecipient((body as RequestBody).userId, asker),
    success: { 201: requestReply },
    refusals: [403, 404, 422, 429],
  },
  {
    kind: 'command',
    path: '/payment-requests/{id}/decline',
    summary: 'Decline a request that you should pay.',
    scope: 'write:pay',
    model: 'DeclineCommand',
    body: domainModels.DeclineCommand,
    explain: (body) => commandBodyErrors('DeclineCommand', body),
    pathHeaders: { id: requestId },
    success: { 200: closeReply },
    refusals: [403, 404, 409, 422, 429],
  },
  {
    kind: 'command',
    path: '/payment-requests/{id}/cancel',
    summary: 'Withdraw a request that you made.',
    scope: 'write:request',
    model: 'CancelCommand',
    body: domainModels.CancelCommand,
    explain: (body) => commandBodyErrors('CancelCommand', body),
    pathHeaders: { id: requestId },
    success: { 200: closeReply },
    refusals: [403, 404, 409, 422, 429],
  },
  {
    kind: 'command',
    path: '/blocked-people',
    summary: 'Accept no more payment requests from somebody.',
    scope: 'write:pay',
    model: 'BlockCommand',
    body: domainModels.BlockCommand,
    explain: (body) => commandBodyErrors('BlockCommand', body),
    refuse: (body, blocker) => refuseRecipient((body as BlockBody).userId, blocker),
    success: { 200: blockReply },
    refusals: [422, 429],
  },
  {
    kind: 'command',
    path: '/blocked-people/{id}/unblock',
    summary: 'Accept payment requests from somebody again; `id` is theirs.',
    scope: 'write:pay',
    model: 'UnblockCommand',
    body: domainModels.UnblockCommand,
    explain: (body) => commandBodyErrors('UnblockCommand', body),
    pathHeaders: { id: requestId },
    success: { 200: blockReply },
    refusals: [422, 429],
  },
]

const views: readonly ViewRoute[] = [
  {
    kind: 'view',
    path: '/activities',
    summary: "Everybody's activity: names and amounts, never notes or balances.",
    scope: 'read:activities',
    topic: topicNames.activities,
    show: 'list',
  },
  {
    kind: 'view',
    path: '/payment-requests',
    summary: 'Requests that you were asked to pay, open and closed ones, with their status.',
    scope: 'read:payment-requests',
    topic: topicNames.paymentRequests,
    show: 'list',
    owners: own,
    filters: byStatus,
  },
  {
    kind: 'view',
    path: '/sent-payment-requests',
    summary: 'Requests that you made, with their status.',
    scope: 'read:payment-requests',
    topic: topicNames.paymentRequests,
    show: 'list',
    owners: [{ header: requester }],
    filters: byStatus,
  },
  {
    kind: 'view',
    path: '/payment-requests/{id}',
    summary: 'One request, open or closed, if you are a party to it.',
    scope: 'read:payment-requests',
    topic: topicNames.paymentRequests,
    show: 'item',
    owners: [{ header: identity }, { header: requester }],
  },
  {
    kind: 'view',
    path: '/blocked-people',
    summary: 'From whom you accept no payment requests.',
    scope: 'read:payment-requests',
    topic: topicNames.blockedPeople,
    show: 'list',
    owners: own,
  },
  {
    kind: 'view',
    path: '/current-balance',
    summary: 'Your balance.',
    scope: 'read:balances',
    topic: topicNames.balances,
    show: 'one',
    owners: own,
  },
  {
    kind: 'view',
    path: '/balance-histories',
    summary: 'Your balance over time.',
    scope: 'read:balances',
    topic: topicNames.balanceHistories,
    show: 'list',
    owners: own,
  },
  {
    kind: 'view',
    path: '/transactions',
    summary: 'Your statement: the entries of your account.',
    scope: 'read:balances',
    topic: topicNames.transactions,
    show: 'page',
    owners: own,
    csv: {
      filename: 'streampay-statement.csv',
      columns: ['at', 'transferId', 'kind', 'counterparty', 'amount', 'requestId', 'notes'],
    },
  },
  {
    kind: 'view',
    path: '/total-transactions',
    summary: 'Number and volume of all payments.',
    scope: 'read:total-transactions',
    topic: topicNames.totalTransactions,
    show: 'one',
  },
  {
    kind: 'view',
    path: '/average-transactions',
    summary: 'Mean amount of all payments.',
    scope: 'read:average-transactions',
    topic: topicNames.averageTransactions,
    show: 'one',
  },
  {
    kind: 'view',
    path: '/users',
    summary: 'People, searched by the beginnings of the words of name and username, or asked for by id.',
    scope: 'read:users',
    topic: topicNames.users,
    show: 'directory',
    search: ['name', 'username'],
  },
  {
    kind: 'view',
    path: '/current-user',
    summary: 'Your profile.',
    scope: 'read:users',
    topic: topicNames.users,
    show: 'one',
    owners: ['key'],
  },
]

/** @throws DefinitionError for a slip on this page */
export function streampayGateway(limits: Partial<Limits> = {}): Gateway {
  return defineGateway({
    name: 'streampay',
    title: 'StreamPay',
    version: '0.1.0',
    description:
      'Real-time person-to-person payments. Amounts are whole cents; times are milliseconds since the epoch.',
    license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    scopes: scopeWords,
    isReserved,
    headers: headerNames,
    topics: topics
      .filter(({ internal }) => !internal)
      .map((topic) => (topic.name === topicNames.users ? { ...topic, faultOf: faultOfUser } : topic)),
    commandTopic: topicNames.commands,
    replyTopic: topicNames.replies,
    commandGroup: applicationIds.payments,
    setAsideTopic: topicNames.setAside,
    routes: [
      ...commands,
      {
        kind: 'upsert',
        path: '/current-user',
        summary: 'Write your name and username. Usernames are not unique; the id is.',
        scope: 'write:users',
        topic: topicNames.users,
        body: profileBody,
        explain: profileErrors,
        refuse: refuseNames,
        valueOf: (id, body) => ({ id, ...(body as ProfileBody) }),
        view: '/current-user',
      },
      { kind: 'reply', path: '/replies/{correlationId}', summary: 'The reply to a command of yours, for ten minutes.' },
      ...views,
      { kind: 'live', path: '/live', summary: 'Several views on one stream.' },
      { kind: 'console', path: '/console', summary: 'Topics and their records, for operators.', scope: 'read:console' },
    ],
    limits,
  })
}

function faultOfUser({ key, value, header }: TopicRecord): string | undefined {
  return userFault({ key, identity: header(identity), value })
}

/** A name that passes the schema may still look like the system's. */
function refuseNames(body: unknown): Refusal | undefined {
  const errors = profileErrors(body)
  if (errors.length === 0) return undefined
  const told = errors.map(({ field, message }) => `"${field}" ${message}.`).join(' ')
  return problem('malformed-body', told, { errors })
}

/** What needs no state to be known. The payments service refuses the same, for those who write to the log directly. */
function refuseRecipient(recipient: string, caller: string): Refusal | undefined {
  if (recipient === caller) return { ...problem('own-account', 'You cannot pay, ask or block yourself.') }
  if (!isReserved(recipient)) return undefined
  return { ...problem('reserved-recipient', `Names that begin with "${reservedPrefix}" belong to the system.`) }
}
