import { headerNames, identityOfReply, slugOf, topicNames } from '@streampay/domain'
import type { TopicRecord } from '../api/types.ts'
import { isKeyOf } from '../app/is-key-of.ts'
import { isolated, visibleText } from '../app/visible-text.ts'
import { t } from '../i18n/console.ts'
import { formatCents } from '../money/money.ts'
import { spanWords } from '../travel/travel.ts'

/**
 * Records as sentences: "Greta pays Ada $12.50, settles r1-45". A record's content is not trusted: if it does not look like a record of its
 * topic, it gets no sentence, and its value is shown unchanged. Invisible characters in texts that people chose are made visible.
 */
export type NameOf = (id: string) => string

/**
 * What a record is, in a word or two: the command, the status of a reply or of a request, the kind of an entry. Expressions compare with
 * it, so it is the same in every language.
 */
export function kindOf({ topic, headers, value, raw, undecodable }: TopicRecord): string {
  if (undecodable !== undefined) return 'undecodable'
  const told = headers[headerNames.domainModel] ?? headers[headerNames.status]
  if (told) return visibleText(told)
  if (raw.value === null) return 'deleted'
  if (topic === topicNames.paymentRequests) return textOf(value, 'status') ?? ''
  return textOf(value, 'kind') ?? textOf(value, 'type') ?? ''
}

/** @returns undefined for a record of another topic, or one that does not look like a record of its topic */
export function sentenceOf(record: TopicRecord, nameOf: NameOf): string | undefined {
  if (record.undecodable !== undefined || !hasSentences(record.topic)) return undefined
  return sentences[record.topic]?.(record, nameOf)
}

/** Whether records of this topic can be shown as sentences. */
export function hasSentences(topic: string): boolean {
  return Object.hasOwn(sentences, topic)
}

type Sentence = (record: TopicRecord, nameOf: NameOf) => string | undefined

const sentences: Readonly<Record<string, Sentence>> = {
  [topicNames.commands]: commandSentence,
  [topicNames.replies]: replySentence,
  [topicNames.users]: userSentence,
  [topicNames.transactions]: entrySentence,
  [topicNames.balances]: balanceSentence,
  [topicNames.balanceHistories]: historySentence,
  [topicNames.paymentRequests]: requestSentence,
  [topicNames.blockedPeople]: blockSentence,
  [topicNames.favouritePeople]: favouriteSentence,
  [topicNames.preferences]: preferencesSentence,
  [topicNames.activities]: activitySentence,
  [topicNames.statements]: statementSentence,
  [topicNames.statementPeople]: statementPersonSentence,
  [topicNames.totalTransactions]: totalSentence,
  [topicNames.averageTransactions]: averageSentence,
  [topicNames.spans]: spanSentence,
  [topicNames.deadLetters]: letterSentence,
  [topicNames.setAside]: setAsideSentence,
}

function commandSentence({ headers, key, value }: TopicRecord, nameOf: NameOf): string | undefined {
  const identity = headers[headerNames.identity] ?? key
  if (!identity) return undefined
  const who = nameOf(identity)
  const [userId, amount] = [textOf(value, 'userId'), moneyOf(value, 'amount')]
  const id = visibleText(headers[headerNames.requestId] ?? '')
  switch (headers[headerNames.domainModel]) {
    case 'PayCommand':
      if (userId === undefined || amount === undefined) return undefined
      return withMore(t('sentences.pays', { who, to: nameOf(userId), amount }), value)
    case 'RequestCommand':
      if (userId === undefined || amount === undefined) return undefined
      return withSecrecy(t('sentences.asks', { who, from: nameOf(userId), amount }), value)
    case 'DeclineCommand':
      return id ? t('sentences.declines', { who, id }) : undefined
    case 'CancelCommand':
      return id ? t('sentences.cancels', { who, id }) : undefined
    case 'RemindCommand':
      return id ? t('sentences.reminds', { who, id }) : undefined
    case 'FavouriteCommand':
      return userId === undefined ? undefined : t('sentences.addsFavourite', { who, favourite: nameOf(userId) })
    case 'UnfavouriteCommand':
      return id ? t('sentences.dropsFavourite', { who, favourite: nameOf(id) }) : undefined
    case 'BlockCommand':
      return userId === undefined ? undefined : t('sentences.blocks', { who, blocked: nameOf(userId) })
    case 'UnblockCommand':
      return id ? t('sentences.accepts', { who, unblocked: nameOf(id) }) : undefined
    default:
      return undefined
  }
}

function replySentence({ headers, value }: TopicRecord, nameOf: NameOf): string | undefined {
  const identity = identityOfReply((name) => headers[name] ?? undefined)
  const status = Number(headers[headerNames.status] ?? Number.NaN)
  const outcome = status >= 400 ? refusalWords(value) : successWords(value, nameOf)
  if (outcome === undefined || Number.isNaN(status)) return undefined
  const isAgain = headers[headerNames.replayed] === 'true'
  if (!identity) return t(isAgain ? 'sentences.somebodyToldAgain' : 'sentences.somebodyTold', { outcome })
  return t(isAgain ? 'sentences.toldAgain' : 'sentences.told', { who: nameOf(identity), outcome })
}

function refusalWords(value: unknown): string | undefined {
  const type = textOf(value, 'type')
  if (type === undefined) return undefined
  const [problem, detail] = [slugOf(type) ?? type, textOf(value, 'detail')]
  return detail === undefined
    ? t('sentences.refused', { problem })
    : t('sentences.refusedBecause', { problem, detail: isolated(detail) })
}

function successWords(value: unknown, nameOf: NameOf): string | undefined {
  const [transferId, balance] = [textOf(value, 'transferId'), moneyOf(value, 'balance')]
  if (transferId !== undefined && balance !== undefined) return t('sentences.paidWith', { id: transferId, balance })
  const [id, status, userId] = [textOf(value, 'id'), textOf(value, 'status'), textOf(value, 'userId')]
  if (id !== undefined) {
    return status === undefined
      ? t('sentences.askedWith', { id })
      : t('sentences.nowIs', { id, status: statusWord(status) })
  }
  return userId === undefined ? undefined : t('sentences.doneFor', { who: nameOf(userId) })
}

const statusNames = {
  open: 'sentences.statusOpen',
  paid: 'sentences.statusPaid',
  declined: 'sentences.statusDeclined',
  cancelled: 'sentences.statusCancelled',
  expired: 'sentences.statusExpired',
} as const

/** The state of a request; an unknown status is shown unchanged. */
function statusWord(status: string): string {
  return isKeyOf(statusNames, status) ? t(statusNames[status]) : status
}

function userSentence({ key, value, raw }: TopicRecord): string | undefined {
  if (raw.value === null) return key === null ? undefined : t('sentences.userGone', { id: visibleText(key) })
  const [name, username] = [textOf(value, 'name'), textOf(value, 'username')]
  if (name === undefined || username === undefined) return undefined
  return t('sentences.userNamed', { name: isolated(name), username: isolated(username) })
}

function entrySentence({ value }: TopicRecord, nameOf: NameOf): string | undefined {
  const move = moveOf(value, nameOf)
  const id = textOf(value, 'transferId')
  return move === undefined || id === undefined ? undefined : withMore(t('sentences.movedWith', { move, id }), value)
}

function historySentence({ value }: TopicRecord, nameOf: NameOf): string | undefined {
  const [move, balance, sequence] = [moveOf(value, nameOf), moneyOf(value, 'balance'), numberOf(value, 'sequence')]
  if (move === undefined || balance === undefined || sequence === undefined) return undefined
  return t('sentences.movedThen', { move, balance, sequence: String(sequence) })
}

const giving = { other: 'sentences.gives', opening: 'sentences.givesOpening', topUp: 'sentences.givesTopUp' } as const
const getting = { other: 'sentences.gets', opening: 'sentences.getsOpening', topUp: 'sentences.getsTopUp' } as const

/** The effect of an entry on its account. */
function moveOf(value: unknown, nameOf: NameOf): string | undefined {
  const [account, counterparty] = [textOf(value, 'account'), textOf(value, 'counterparty')]
  const [amount, kind] = [numberOf(value, 'amount'), textOf(value, 'kind')]
  if (account === undefined || counterparty === undefined || amount === undefined || kind === undefined)
    return undefined
  const name = (amount < 0 ? giving : getting)[kind === 'opening' || kind === 'topUp' ? kind : 'other']
  return t(name, { who: nameOf(account), other: nameOf(counterparty), amount: formatCents(Math.abs(amount)) })
}

function balanceSentence({ value }: TopicRecord, nameOf: NameOf): string | undefined {
  const [account, balance, sequence] = [
    textOf(value, 'account'),
    moneyOf(value, 'balance'),
    numberOf(value, 'sequence'),
  ]
  if (account === undefined || balance === undefined || sequence === undefined) return undefined
  const told = { who: nameOf(account), balance, sequence: String(sequence) }
  const id = textOf(value, 'transferId')
  return id === undefined ? t('sentences.balanceAfterEntry', told) : t('sentences.balance', { ...told, id })
}

function requestSentence({ key, value, raw }: TopicRecord, nameOf: NameOf): string | undefined {
  if (raw.value === null) return key === null ? undefined : t('sentences.requestGone', { id: visibleText(key) })
  const [id, requester, debtor] = [textOf(value, 'id'), textOf(value, 'requester'), textOf(value, 'debtor')]
  const [amount, status, transfer] = [moneyOf(value, 'amount'), textOf(value, 'status'), textOf(value, 'transferId')]
  if (id === undefined || requester === undefined || debtor === undefined || amount === undefined) return undefined
  const word = status === undefined ? t('sentences.statusUntold') : statusWord(status)
  const told = { who: nameOf(requester), from: nameOf(debtor), amount, id, status: word }
  const sentence =
    transfer === undefined ? t('sentences.request', told) : t('sentences.requestSettled', { ...told, transfer })
  return withSecrecy(sentence, value)
}

function blockSentence({ headers, value, raw }: TopicRecord, nameOf: NameOf): string | undefined {
  const owner = headers[headerNames.identity]
  if (raw.value === null) return owner ? t('sentences.acceptsSomebody', { who: nameOf(owner) }) : undefined
  const [blocker, blocked] = [textOf(value, 'blocker'), textOf(value, 'blocked')]
  if (blocker === undefined || blocked === undefined) return undefined
  return t('sentences.blocks', { who: nameOf(blocker), blocked: nameOf(blocked) })
}

function favouriteSentence({ headers, value, raw }: TopicRecord, nameOf: NameOf): string | undefined {
  const owner = headers[headerNames.identity]
  if (raw.value === null) return owner ? t('sentences.favouriteGone', { who: nameOf(owner) }) : undefined
  const [who, favourite] = [textOf(value, 'owner'), textOf(value, 'favourite')]
  if (who === undefined || favourite === undefined) return undefined
  return t('sentences.favouriteOf', { favourite: nameOf(favourite), who: nameOf(who) })
}

function preferencesSentence({ value }: TopicRecord, nameOf: NameOf): string | undefined {
  const [id, visibility] = [textOf(value, 'id'), textOf(value, 'visibility')]
  if (id === undefined || visibility === undefined) return undefined
  const who = nameOf(id)
  if (visibility === 'public') return t('sentences.publicAtFirst', { who })
  if (visibility === 'private') return t('sentences.privateAtFirst', { who })
  return t('sentences.visibleAtFirst', { who, visibility })
}

const stepNames = {
  received: 'sentences.stepReceived',
  acknowledged: 'sentences.stepAcknowledged',
  replied: 'sentences.stepReplied',
  answered: 'sentences.stepAnswered',
  read: 'sentences.stepRead',
  processed: 'sentences.stepProcessed',
  written: 'sentences.stepWritten',
  committed: 'sentences.stepCommitted',
  shown: 'sentences.stepShown',
} as const

/** What a service measured, from its first step to its last. */
function spanSentence({ value }: TopicRecord): string | undefined {
  const [service, source, steps] = [textOf(value, 'service'), memberOf(value, 'source'), memberOf(value, 'steps')]
  const [topic, partition, offset] = [
    textOf(source, 'topic'),
    numberOf(source, 'partition'),
    numberOf(source, 'offset'),
  ]
  if (service === undefined || topic === undefined || partition === undefined || offset === undefined) return undefined
  const times = (Array.isArray(steps) ? steps : []).map((step) => Number(memberOf(step, 'at'))).filter(Number.isFinite)
  if (times.length === 0) return undefined
  const names = (steps as readonly unknown[]).map((step) => textOf(step, 'step')).filter((name) => name !== undefined)
  const words = names.map((name) => (isKeyOf(stepNames, name) ? t(stepNames[name]) : name)).join(', ')
  const told = { service, place: `${topic} ${partition}:${offset}`, steps: words }
  if (times.length === 1) return t('sentences.span', told)
  return t('sentences.spanTook', { ...told, took: spanWords(Math.max(...times) - Math.min(...times)) })
}

const activityNames = {
  payment: 'sentences.paid',
  request: 'sentences.asked',
  decline: 'sentences.declined',
  cancel: 'sentences.cancelled',
} as const

function activitySentence({ value }: TopicRecord, nameOf: NameOf): string | undefined {
  const [type, from, to] = [textOf(value, 'type'), textOf(value, 'from'), textOf(value, 'to')]
  const amount = moneyOf(value, 'amount')
  if (type === undefined || from === undefined || to === undefined || amount === undefined) return undefined
  if (!isKeyOf(activityNames, type)) return undefined
  return t(activityNames[type], { who: nameOf(from), other: nameOf(to), amount })
}

function statementSentence({ value }: TopicRecord, nameOf: NameOf): string | undefined {
  const moved = movedOf(value, nameOf)
  const [opening, closing] = [moneyOf(value, 'opening'), moneyOf(value, 'closing')]
  if (moved === undefined || opening === undefined || closing === undefined) return undefined
  return t('sentences.statement', { ...moved, opening, closing })
}

function statementPersonSentence({ value }: TopicRecord, nameOf: NameOf): string | undefined {
  const [moved, counterparty] = [movedOf(value, nameOf), textOf(value, 'counterparty')]
  if (moved === undefined || counterparty === undefined) return undefined
  return t('sentences.statementWith', { ...moved, other: nameOf(counterparty) })
}

/** Which people got and gave how much in which month. */
function movedOf(value: unknown, nameOf: NameOf) {
  const [account, month] = [textOf(value, 'account'), textOf(value, 'month')]
  const [moneyIn, moneyOut] = [moneyOf(value, 'moneyIn'), moneyOf(value, 'moneyOut')]
  if (account === undefined || month === undefined || moneyIn === undefined || moneyOut === undefined) return undefined
  return { who: nameOf(account), month, moneyIn, moneyOut }
}

function totalSentence({ value }: TopicRecord): string | undefined {
  const [count, volume] = [numberOf(value, 'count'), moneyOf(value, 'volume')]
  return count === undefined || volume === undefined ? undefined : t('sentences.total', { count, volume })
}

function averageSentence({ value }: TopicRecord): string | undefined {
  const [count, mean] = [numberOf(value, 'count'), moneyOf(value, 'mean')]
  return count === undefined || mean === undefined ? undefined : t('sentences.average', { count, mean })
}

function letterSentence({ headers }: TopicRecord): string | undefined {
  const { origin, reason } = headers
  if (!origin || !reason) return undefined
  return t('sentences.letter', { origin: visibleText(origin), reason: visibleText(reason) })
}

function setAsideSentence({ key, value, raw }: TopicRecord): string | undefined {
  if (raw.value === null) return key === null ? undefined : t('sentences.processedAgain', { key: visibleText(key) })
  const reason = textOf(value, 'reason')
  return key === null || reason === undefined ? undefined : t('sentences.setAside', { key: visibleText(key), reason })
}

/** Adds to the sentence which request it settles, that it is private, and its note: as far as the value has them. */
function withMore(sentence: string, value: unknown): string {
  const id = textOf(value, 'requestId')
  return withSecrecy(id === undefined ? sentence : t('sentences.settling', { sentence, id }), value)
}

/** Adds to the sentence that it is private, and its note. */
function withSecrecy(sentence: string, value: unknown): string {
  const notes = textOf(value, 'notes')
  const told = textOf(value, 'visibility') === 'private' ? t('sentences.inPrivate', { sentence }) : sentence
  return notes === undefined || notes === '' ? told : t('sentences.noted', { sentence: told, note: isolated(notes) })
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

function textOf(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name)
  return typeof member === 'string' ? visibleText(member) : undefined
}

/** An integer beyond the safe ones is rounded already. */
function numberOf(value: unknown, name: string): number | undefined {
  const member = memberOf(value, name)
  return typeof member === 'number' && Number.isSafeInteger(member) ? member : undefined
}

function moneyOf(value: unknown, name: string): string | undefined {
  const cents = numberOf(value, name)
  return cents === undefined ? undefined : formatCents(cents)
}
