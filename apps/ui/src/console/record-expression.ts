import { type ASTNode, Environment, EvaluationError, TypeError as KindError, ParseError } from '@marcbachmann/cel-js'
import type { TopicRecord } from '../api/types.ts'
import { t } from '../i18n/console.ts'
import { isTombstone, rawText } from './raw-text.ts'
import type { Matches } from './record-matcher.ts'
import { kindOf } from './record-sentence.ts'

/**
 * Conditions on records in CEL, the Common Expression Language (https://cel.dev): `value.amount > 100000 && key == "ada"`. CEL has no loops
 * but those over the members of a list or an object. What is compiled here has no loop within another and no regular expressions, because a
 * condition may come with a link from another person: its time is bounded by the size of the record.
 */
export type Compiled = { readonly matches: Matches } | { readonly fault: ExpressionFault }

/** What is wrong, and where: `start` and `end` are indices in the text, from 0; `end` is the index after the last character. */
export type ExpressionFault = { readonly message: string; readonly start: number; readonly end: number }

export const maxExpressionLength = 500

const environment = new Environment({ limits: { maxAstNodes: 200, maxDepth: 24 } })
  .registerVariable('key', 'dyn')
  .registerVariable('value', 'dyn')
  .registerVariable('header', 'map<string, dyn>')
  .registerVariable('kind', 'string')
  .registerVariable('topic', 'string')
  .registerVariable('partition', 'int')
  .registerVariable('offset', 'int')
  .registerVariable('size', 'int')
  .registerVariable('time', 'google.protobuf.Timestamp')

export function compileExpression(text: string): Compiled {
  if (text.length > maxExpressionLength) {
    const message = t('records.tooLong', { most: maxExpressionLength })
    return { fault: { message, start: maxExpressionLength, end: text.length } }
  }
  try {
    const parsed = environment.parse(text)
    const refused = refusedPart(parsed.ast)
    if (refused !== undefined) return { fault: refused }
    const { valid, type, error } = parsed.check()
    if (!valid) throw error
    if (type !== 'bool' && type !== 'dyn') {
      return { fault: { message: t('records.noCondition', { type: String(type) }), start: 0, end: text.length } }
    }
    return { matches: (record) => outcomeOf(() => parsed(variablesOf(record))) }
  } catch (error) {
    return { fault: faultOf(error) }
  }
}

function outcomeOf(evaluate: () => unknown): ReturnType<Matches> {
  try {
    const outcome = evaluate()
    return typeof outcome === 'boolean' ? outcome : { fault: t('records.neither') }
  } catch (error) {
    // The record may come from any writer: an error that it causes in the condition is reported, and ends nothing.
    return { fault: isFault(error) ? error.summary : String(error) }
  }
}

function isFault(error: unknown): error is ParseError | KindError | EvaluationError {
  return error instanceof ParseError || error instanceof KindError || error instanceof EvaluationError
}

/** @throws an error that is not a fault of the expression */
function faultOf(error: unknown): ExpressionFault {
  if (!isFault(error)) throw error
  const { summary, range } = error
  const message = summary === 'Unexpected token: EOF' ? t('records.somethingMissing') : summary
  const start = range?.start ?? 0
  return { message, start, end: Math.max(range?.end ?? 0, start + 1) }
}

const macros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

/** The first part of a condition that could take too long. */
function refusedPart(node: ASTNode, isWithin = false): ExpressionFault | undefined {
  const { start, end } = node
  const isMacro = node.op === 'rcall' && macros.has(node.args[0])
  if (node.op === 'rcall' && node.args[0] === 'matches') {
    return { message: t('records.noPatterns'), start, end }
  }
  if (isMacro && isWithin) return { message: t('records.noNesting', { call: node.args[0] }), start, end }
  for (const child of childrenOf(node)) {
    const refused = refusedPart(child, isWithin || isMacro)
    if (refused !== undefined) return refused
  }
  return undefined
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  return [node.args].flat(3).filter(isNode)
}

function isNode(candidate: unknown): candidate is ASTNode {
  return typeof candidate === 'object' && candidate !== null && 'op' in candidate && 'args' in candidate
}

function variablesOf(record: TopicRecord) {
  const { topic, partition, offset, size, timestamp, headers, value, raw } = record
  return {
    topic,
    partition: BigInt(partition),
    offset: BigInt(offset),
    size: BigInt(size),
    time: new Date(timestamp),
    kind: kindOf(record),
    key: rawText(raw.key) ?? null,
    header: headers,
    value: isTombstone(record) ? null : value,
  }
}
