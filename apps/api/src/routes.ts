/** The whole HTTP interface of StreamPay, in one definition. `/openapi.json` and `/asyncapi.json` are made from it. */
import {
  applicationIds,
  type BlockBody,
  closeReply,
  commandBodyErrors,
  domainModels,
  type Entry,
  entryDirections,
  entryMatches,
  entrySearchParameters,
  type FavouriteBody,
  headerNames,
  isReserved,
  type PayBody,
  type PreferencesBody,
  type ProfileBody,
  payReply,
  personReply,
  preferencesBody,
  preferencesErrors,
  preferencesFault,
  problem,
  profileBody,
  profileErrors,
  type RequestBody,
  remindReply,
  requestReply,
  requestStatuses,
  reservedPrefix,
  type Scope,
  topicNames,
  topics,
  topicsFromOutside,
  userFault,
} from '@streampay/domain'

import {
  type CommandRoute,
  defineGateway,
  type Gateway,
  type Limits,
  type PageFind,
  type Refusal,
  type TopicRecord,
  type ViewRoute,
} from '@streampay/gateway'
import { letterDesk } from './letter-desk.ts'

const { identity, requester, requestStatus, requestId, month } = headerNames

/** The caller's own records, by the header with a record's owner. */
const own = [{ header: identity }] as const

/** `?month=2026-11`: the caller's own records of that month. */
const ownOfMonth = [{ header: identity, part: { parameter: 'month', header: month, text: 'month' } }] as const

/** The same search by `?search=` and `?direction=` as in the user interface. */
const findEntries: PageFind = {
  parameters: entrySearchParameters,
  directory: '/users',
  matches: (value, { search, direction }, titlesOf) => {
    const entry = value as Entry
    return entryMatches(
      entry,
      { text: search, direction: entryDirections.find((one) => one === direction) },
      titlesOf(entry.counterparty),
    )
  },
}

/** `?status=open`: only open requests. */
const byStatus = { status: { header: requestStatus, values: requestStatuses } } as const

const scopeWords: Readonly<Record<Scope, string>> = {
  'write:pay': 'pay, and decline requests',
  'write:request': 'request money, remind of requests, and cancel them',
  'write:users': 'change your own profile, preferences and favourites',
  'read:activities': "see everybody's public activity",
  'read:payment-requests': 'see your own requests, received and sent',
  'read:balances': 'see your own balance and statement',
  'read:total-transactions': 'see the total of all public payments',
  'read:average-transactions': 'see the average of all public payments',
  'read:users': 'see the directory, and your own preferences and favourites',
  'read:console': 'watch every topic, as an operator',
  'write:console': 'put dead letters back, and write records to topics that any client can write, as an operator',
  'operate:services': 'kill, pause and restart the services of a development installation',
}

const commands: readonly CommandRoute[] = [
  {
    kind: 'command',
    path: '/pay',
    summary: 'Pay somebody, or settle their request.',
    scope: 'write:pay',
    model: 'PayCommand',
    body: domainModels.PayCommand,
    example: { userId: 'virtual-0001', amount: 1250, notes: 'Lunch' },
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
    example: { userId: 'virtual-0001', amount: 1250, notes: 'Half of the dinner' },
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
    example: {},
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
    example: {},
    explain: (body) => commandBodyErrors('CancelCommand', body),
    pathHeaders: { id: requestId },
    success: { 200: closeReply },
    refusals: [403, 404, 409, 422, 429],
  },
  {
    kind: 'command',
    path: '/payment-requests/{id}/remind',
    summary: 'Remind the debtor of an open request that you made, at most once in 24 hours.',
    scope: 'write:request',
    model: 'RemindCommand',
    body: domainModels.RemindCommand,
    example: {},
    explain: (body) => commandBodyErrors('RemindCommand', body),
    pathHeaders: { id: requestId },
    success: { 200: remindReply },
    refusals: [403, 404, 409, 422, 429],
  },
  {
    kind: 'command',
    path: '/blocked-people',
    summary: 'Accept no more payment requests from somebody.',
    scope: 'write:pay',
    model: 'BlockCommand',
    body: domainModels.BlockCommand,
    example: { userId: 'virtual-0001' },
    explain: (body) => commandBodyErrors('BlockCommand', body),
    refuse: (body, blocker) => refuseRecipient((body as BlockBody).userId, blocker),
    success: { 200: personReply },
    refusals: [422, 429],
  },
  {
    kind: 'command',
    path: '/blocked-people/{id}/unblock',
    summary: 'Accept payment requests from somebody again; `id` is theirs.',
    scope: 'write:pay',
    model: 'UnblockCommand',
    body: domainModels.UnblockCommand,
    example: {},
    explain: (body) => commandBodyErrors('UnblockCommand', body),
    pathHeaders: { id: requestId },
    success: { 200: personReply },
    refusals: [422, 429],
  },
  {
    kind: 'command',
    path: '/favourite-people',
    summary: 'Add a person to your favourites.',
    scope: 'write:users',
    model: 'FavouriteCommand',
    body: domainModels.FavouriteCommand,
    example: { userId: 'virtual-0001' },
    explain: (body) => commandBodyErrors('FavouriteCommand', body),
    refuse: (body, owner) => refuseRecipient((body as FavouriteBody).userId, owner),
    success: { 200: personReply },
    refusals: [422, 429],
  },
  {
    kind: 'command',
    path: '/favourite-people/{id}/remove',
    summary: 'Remove a person from your favourites; `id` is theirs.',
    scope: 'write:users',
    model: 'UnfavouriteCommand',
    body: domainModels.UnfavouriteCommand,
    example: {},
    explain: (body) => commandBodyErrors('UnfavouriteCommand', body),
    pathHeaders: { id: requestId },
    success: { 200: personReply },
    refusals: [422, 429],
  },
]

const views: readonly ViewRoute[] = [
  {
    kind: 'view',
    path: '/activities',
    summary: "Everybody's public activity: names and amounts, never notes or balances. Private events are not in it.",
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
    summary: 'The people from whom you accept no payment requests.',
    scope: 'read:payment-requests',
    topic: topicNames.blockedPeople,
    show: 'list',
    owners: own,
  },
  {
    kind: 'view',
    path: '/favourite-people',
    summary: 'Your favourites.',
    scope: 'read:users',
    topic: topicNames.favouritePeople,
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
    byTime: true,
    isTraced: true,
  },
  {
    kind: 'view',
    path: '/spans',
    summary: 'What services did for your commands of the last hour, and when; only for sampled traces.',
    scope: 'read:balances',
    topic: topicNames.spans,
    show: 'page',
    owners: ['key'],
  },
  {
    kind: 'view',
    path: '/transactions',
    summary:
      'Your statement: the entries of your account. A page of a search may be short or empty although the next pages have results.',
    scope: 'read:balances',
    topic: topicNames.transactions,
    show: 'page',
    owners: own,
    find: findEntries,
    csv: {
      filename: 'streampay-statement.csv',
      columns: ['at', 'transferId', 'kind', 'counterparty', 'amount', 'requestId', 'notes', 'visibility'],
    },
  },
  {
    kind: 'view',
    path: '/statements',
    summary: 'The sums of your entries by UTC month; the month that changed last comes last.',
    scope: 'read:balances',
    topic: topicNames.statements,
    show: 'list',
    owners: own,
  },
  {
    kind: 'view',
    path: '/statement-people',
    summary: 'What you received from and paid to each person in a UTC month.',
    scope: 'read:balances',
    topic: topicNames.statementPeople,
    show: 'list',
    owners: ownOfMonth,
  },
  {
    kind: 'view',
    path: '/total-transactions',
    summary: 'Number and volume of all public payments.',
    scope: 'read:total-transactions',
    topic: topicNames.totalTransactions,
    show: 'one',
  },
  {
    kind: 'view',
    path: '/average-transactions',
    summary: 'Mean amount of all public payments.',
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
  {
    kind: 'view',
    path: '/current-preferences',
    summary: 'The default visibility of your new payments and requests; if it is not set, they are public.',
    scope: 'read:users',
    topic: topicNames.preferences,
    show: 'one',
    owners: ['key'],
  },
]

/** @throws DefinitionError for a mistake in this definition */
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
      .map((topic) => ({ ...topic, ...(faults[topic.name] && { faultOf: faults[topic.name] }) })),
    commandTopic: topicNames.commands,
    replyTopic: topicNames.replies,
    commandGroup: applicationIds.payments,
    setAsideTopic: topicNames.setAside,
    spanTopic: topicNames.spans,
    routes: [
      ...commands,
      {
        kind: 'upsert',
        path: '/current-user',
        summary: 'Write your name and username. Usernames are not unique; the id is.',
        scope: 'write:users',
        topic: topicNames.users,
        body: profileBody,
        example: { name: 'Ada Lovelace', username: 'ada' },
        explain: profileErrors,
        refuse: refuseNames,
        valueOf: (id, body) => ({ id, ...(body as ProfileBody) }),
        view: '/current-user',
      },
      {
        kind: 'upsert',
        path: '/current-preferences',
        summary: 'Set the default visibility of your new payments and requests.',
        scope: 'write:users',
        topic: topicNames.preferences,
        body: preferencesBody,
        example: { visibility: 'private' },
        explain: preferencesErrors,
        valueOf: (id, body) => ({ id, ...(body as PreferencesBody) }),
        view: '/current-preferences',
      },
      { kind: 'reply', path: '/replies/{correlationId}', summary: 'The reply to a command of yours, for ten minutes.' },
      ...views,
      { kind: 'live', path: '/live', summary: 'Several views on one stream.' },
      {
        kind: 'console',
        path: '/console',
        summary: 'The topics and records of the log, for operators.',
        scope: 'read:console',
        writing: { scope: 'write:console', topics: topicsFromOutside, letters: letterDesk },
      },
    ],
    limits,
  })
}

/** For topics that any client may write: why a record is not accepted. */
const faults: Readonly<Record<string, (record: TopicRecord) => string | undefined>> = {
  [topicNames.users]: ({ key, value, header }) => userFault({ key, identity: header(identity), value }),
  [topicNames.preferences]: ({ key, value, header }) => preferencesFault({ key, identity: header(identity), value }),
  // A record that matches the schema is only shown to the person of its key, and has no other effect.
  [topicNames.spans]: () => undefined,
}

/** A name that passes the schema may still look like a name of the system. */
function refuseNames(body: unknown): Refusal | undefined {
  const errors = profileErrors(body)
  if (errors.length === 0) return undefined
  const told = errors.map(({ field, message }) => `"${field}" ${message}.`).join(' ')
  return problem('malformed-body', told, { errors })
}

/** Checks that need no state. The payments service makes the same checks, for clients that write to the log directly. */
function refuseRecipient(recipient: string, caller: string): Refusal | undefined {
  if (recipient === caller) return { ...problem('own-account', 'You cannot pay, ask, block or favour yourself.') }
  if (!isReserved(recipient)) return undefined
  return { ...problem('reserved-recipient', `Names that begin with "${reservedPrefix}" belong to the system.`) }
}
