/** What compose.yaml allows each service on the log: its own account, and no more than it writes and reads. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { topicNames, topics } from '@streampay/domain'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'

type Service = {
  readonly environment?: Record<string, string>
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
}

const root = dirname(dirname(dirname(import.meta.dirname)))
const compose = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as {
  readonly services: Record<string, Service>
}
const { services } = compose
const folder = mkdtempSync(join(tmpdir(), 'streampay-compose-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** One ACL as rpk gets it: `--topic a,b` is a list of names, or of one prefix. */
type Permission = {
  readonly principal: string
  readonly operations: readonly string[]
  readonly kind: 'topic' | 'group' | 'transactional-id' | 'cluster'
  readonly names: readonly string[]
  readonly isPrefix: boolean
}

/** Runs the container's own script with a `rpk` that notes its arguments. */
function told(): string[][] {
  const calls = join(folder, 'calls')
  const rpk = join(folder, 'rpk')
  writeFileSync(rpk, `#!/bin/bash\nprintf '%s\\0' "$@" >> '${calls}'; printf '\\n' >> '${calls}'\n`)
  chmodSync(rpk, 0o755)
  const [script = ''] = services['redpanda-users']?.command ?? []
  const env = { PATH: `${folder}:${process.env.PATH}`, ...services['redpanda-users']?.environment }
  // Compose itself makes one dollar sign of two.
  execFileSync('/bin/bash', ['--norc', '-euc', script.replaceAll('$$', '$')], { env })
  const lines = readFileSync(calls, 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.split('\0').slice(0, -1))
}

function permissionFrom(args: readonly string[]): Permission {
  const value = (name: string) => args[args.indexOf(name) + 1] ?? ''
  const kinds = ['topic', 'group', 'transactional-id', 'cluster'] as const
  const kind = kinds.find((one) => args.includes(`--${one}`))
  if (kind === undefined) throw new Error(`an ACL for nothing: ${args.join(' ')}`)
  return {
    principal: value('--allow-principal').replace('User:', ''),
    operations: value('--operation').split(','),
    kind,
    names: kind === 'cluster' ? [] : value(`--${kind}`).split(','),
    isPrefix: args.includes('--resource-pattern-type') && value('--resource-pattern-type') === 'prefixed',
  }
}

const calls = told()
const permissions = calls.filter((args) => args.slice(0, 3).join(' ') === 'security acl create').map(permissionFrom)

function mayOn(principal: string, operation: string, topic: string): boolean {
  return permissions.some(
    (one) =>
      one.principal === principal &&
      one.kind === 'topic' &&
      one.operations.includes(operation) &&
      one.names.some((name) => name === '*' || name === topic || (one.isPrefix && topic.startsWith(name))),
  )
}

function topicsFor(principal: string, operation: string): string[] {
  return topics.map(({ name }) => name).filter((name) => mayOn(principal, operation, name))
}

const writers = {
  gateway: ['gateway'],
  payments: ['payments', 'statistics'],
  simulation: ['simulation'],
} as const

test.each(Object.entries(writers))(
  '%s may write the topics that the list says it writes, and no others',
  (principal, roles) => {
    const its = topics.filter(({ writtenBy }) =>
      writtenBy.some((writer) => (roles as readonly string[]).includes(writer)),
    )
    expect(topicsFor(principal, 'write')).toEqual(its.map(({ name }) => name))
  },
)

test('the gateway may write commands, users, preferences and spans, by name, and nothing that is made later', () => {
  const { commands, users, preferences, spans } = topicNames
  expect(topicsFor('gateway', 'write')).toEqual([commands, users, preferences, spans])
  for (const { principal, operations, names, isPrefix } of permissions) {
    if (!operations.includes('write') || principal === 'payments') continue
    expect(names).not.toContain('*')
    expect(isPrefix).toBe(false)
  }
})

test('each may read what it reads', () => {
  expect(topicsFor('gateway', 'read')).toEqual(topics.map(({ name }) => name))
  expect(topicsFor('payments', 'read')).toEqual(topics.map(({ name }) => name))
  const ofSimulation = [topicNames.users, topicNames.balances, topicNames.paymentRequests, topicNames.replies]
  expect(topicsFor('simulation', 'read').toSorted()).toEqual(ofSimulation.toSorted())
})

test('only payments creates topics, deletes records, and has transactions and groups', () => {
  const who = (matches: (one: Permission) => boolean) => [
    ...new Set(permissions.filter(matches).map((one) => one.principal)),
  ]
  expect(who(({ operations }) => operations.includes('create'))).toEqual(['payments'])
  expect(who(({ operations }) => operations.includes('delete'))).toEqual(['payments'])
  expect(who(({ kind, operations }) => kind === 'transactional-id' && operations.includes('write'))).toEqual([
    'payments',
  ])
  expect(who(({ kind, operations }) => kind === 'group' && operations.includes('read'))).toEqual(['payments'])
  const every = permissions.flatMap(({ operations }) => operations)
  for (const operation of ['all', 'alter', 'alter_configs', 'cluster_action']) expect(every).not.toContain(operation)
})

test('the metrics of the gateway can be read on the network of the services, and nowhere else', () => {
  const { environment = {}, ports = [] } = services.gateway ?? {}
  expect([environment.METRICS_HOST, environment.METRICS_PORT]).toEqual(['0.0.0.0', expect.stringMatching(/^\d+$/)])
  expect(environment.METRICS_PORT).not.toBe(environment.GATEWAY_PORT)
  expect(ports.filter((port) => port.endsWith(`:${environment.METRICS_PORT}`))).toEqual([])
})

test('each service has an account and a password of its own, and that of earlier versions is removed', () => {
  const accounts = Object.keys(writers).map((name) => services[name]?.environment ?? {})
  expect(accounts.map(({ KAFKA_SASL_USERNAME }) => KAFKA_SASL_USERNAME)).toEqual(Object.keys(writers))
  expect(new Set(accounts.map(({ KAFKA_SASL_PASSWORD }) => KAFKA_SASL_PASSWORD)).size).toBe(accounts.length)
  const made = calls.filter((args) => args.slice(0, 3).join(' ') === 'security user create')
  expect(made.map((args) => args[3])).toEqual(Object.keys(writers))
  for (const args of made) {
    const { KAFKA_SASL_PASSWORD } = services[args[3] ?? '']?.environment ?? {}
    expect(args[args.indexOf('-p') + 1]).toBe(KAFKA_SASL_PASSWORD)
  }
  expect(calls.map((args) => args.join(' '))).toContain(
    'security acl delete --allow-principal User:streampay --no-confirm',
  )
  expect(calls.map((args) => args.join(' '))).toContain('security user delete streampay')
})
