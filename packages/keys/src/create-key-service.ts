import type { CryptoBackend } from '@keyhaven/crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import { nextKeyId } from './key-ids.ts'
import type { By, KeyService } from './key-service.ts'
import type { ManagedE2eKey, ManagedKey, ManagedSigningKey } from './managed-key.ts'
import { DEFAULT_SUITE, isLive, SUITE_AEADS, SUITE_KEMS } from './managed-key.ts'
import type { KeyAuditEntry, KeyStore, KeyTransaction, KeyWrapper } from './ports.ts'
import {
  createWrappedKemPair,
  createWrappedSigningPair,
  unwrapKemKey,
  unwrapSigningKey,
  wrapContext,
} from './private-parts.ts'
import { checkRevocation } from './revocation.ts'
import { activationTime, checkEnd } from './schedule.ts'
import type { Transition } from './transitions.ts'
import { activate, dueTransitions, step } from './transitions.ts'

/** Applications handled by one {@link KeyService.tick}. */
const TICK_BATCH = 500

export interface KeyServiceOptions<Tx> {
  readonly store: KeyStore<Tx>
  readonly wrapper: KeyWrapper
  readonly backend: CryptoBackend
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** A new UUID. */
  readonly newId: () => string
}

export function createKeyService<Tx>(options: KeyServiceOptions<Tx>): KeyService<Tx> {
  const { store, wrapper, backend, clock, newId } = options

  const changeE2eKey = async (
    applicationId: string,
    reference: string,
    by: By<Tx>,
    change: (
      transaction: KeyTransaction,
      key: ManagedE2eKey,
      keys: readonly ManagedKey[],
    ) => Promise<ManagedE2eKey>,
  ): Promise<ManagedE2eKey> =>
    store.transaction(by.transaction, async (transaction) => {
      const keys = await transaction.lockAndList(applicationId)
      return change(transaction, findE2eKey(keys, reference) ?? notFound(applicationId), keys)
    })

  return {
    addE2eKey: (input, by) =>
      store.transaction(by.transaction, async (transaction) => {
        const { applicationId, suite = DEFAULT_SUITE } = input
        if (!SUITE_KEMS.includes(suite.kem) || !SUITE_AEADS.includes(suite.aead)) {
          throw new KeyhavenError('INPUT_INVALID', `suite must be one of ${SUITE_KEMS.join(', ')}`)
        }
        const now = clock()
        const keys = (await transaction.lockAndList(applicationId)).filter((key) => key.purpose === 'e2e')
        const atOnce = input.activateAt === undefined && !keys.some((key) => key.state === 'active')
        const activateAt = atOnce ? now : activationTime(now, input.activateAt)
        const identity = { id: newId(), applicationId, purpose: 'e2e' as const }
        const key: ManagedE2eKey = {
          ...identity,
          ...(await createWrappedKemPair(backend, wrapper, suite, wrapContext(identity))),
          ...newRecord(now, by),
          keyId: nextKeyId(keys),
          suite,
          activateAt,
          endAt: input.endAt === undefined ? null : checkEnd(input.endAt, now, activateAt),
        }
        return insert(transaction, key, keys, atOnce, now, by)
      }),

    addSigningKey: (input, by) =>
      store.transaction(by.transaction, async (transaction) => {
        const now = clock()
        const keys = await transaction.lockAndList(input.applicationId)
        const identity = { id: newId(), applicationId: input.applicationId, purpose: input.purpose }
        const key: ManagedSigningKey = {
          ...identity,
          ...(await createWrappedSigningPair(backend, wrapper, wrapContext(identity))),
          ...newRecord(now, by),
          keyId: null,
          suite: { signature: 'EdDSA' },
          activateAt: input.spare === true ? null : now,
          endAt: null,
        }
        return insert(transaction, key, keys, input.spare !== true, now, by)
      }),

    activateSigningKey: (applicationId, id, by) =>
      store.transaction(by.transaction, async (transaction) => {
        const keys = await transaction.lockAndList(applicationId)
        const key = findSigningKey(keys, id) ?? notFound(applicationId)
        return key.state === 'pending' ? activateNow(transaction, key, keys, clock(), by) : key
      }),

    list: (applicationId, purpose, transaction) => store.list(applicationId, purpose, transaction),
    listE2eKeys: async (applicationId) => (await store.list(applicationId, 'e2e')).filter(isE2eKey),
    getE2eKey: async (applicationId, reference) =>
      findE2eKey(await store.list(applicationId, 'e2e'), reference),

    schedule: (applicationId, reference, schedule, by) =>
      changeE2eKey(applicationId, reference, by, async (transaction, key) => {
        const now = clock()
        if (!isLive(key)) throw new KeyhavenError('CONFLICT', 'a revoked key cannot be scheduled')
        if (schedule.activateAt !== undefined && key.state !== 'pending') {
          throw new KeyhavenError('CONFLICT', `the key is ${key.state} already: only its end can be planned`)
        }
        const activateAt =
          schedule.activateAt === undefined
            ? key.activateAt
            : activationTime(key.createdAt, schedule.activateAt)
        const endAt = schedule.endAt === undefined ? key.endAt : schedule.endAt
        const pendingUntil = key.state === 'pending' ? activateAt : null
        const changed = {
          ...key,
          activateAt,
          endAt: endAt === null ? null : checkEnd(endAt, now, pendingUntil),
        }
        await transaction.update(changed)
        transaction.audit(entry('key.schedule', changed, by.actor, by.reason ?? null))
        return changed
      }),

    revoke: (applicationId, reference, input, by) =>
      changeE2eKey(applicationId, reference, by, async (transaction, key, keys) => {
        const reason = checkReason(input.reason)
        if (!isLive(key)) return key
        if (input.force !== true) checkRevocation(key, keys)
        return revoke(transaction, key, clock(), by.actor, reason)
      }),

    revokeSigningKey: (applicationId, id, reason, by) =>
      store.transaction(by.transaction, async (transaction) => {
        const keys = await transaction.lockAndList(applicationId)
        const key = findSigningKey(keys, id) ?? notFound(applicationId)
        return isLive(key) ? revoke(transaction, key, clock(), by.actor, checkReason(reason)) : key
      }),

    tick: async () => {
      let changed = 0
      for (const applicationId of await store.due(clock(), TICK_BATCH)) {
        await store.transaction(undefined, async (transaction) => {
          const transitions = dueTransitions(await transaction.lockAndList(applicationId), clock())
          await write(transaction, transitions, 'system')
          if (transitions.length > 0) changed++
        })
      }
      return changed
    },

    nextDue: () => store.nextDue(),
    importE2eKey: (key) => unwrapKemKey(backend, wrapper, key),
    importSigningKey: (key) => unwrapSigningKey(backend, wrapper, key),

    signingKey: async (applicationId, purpose, transaction) => {
      const keys = await store.list(applicationId, purpose, transaction)
      const key = keys.find(
        (candidate): candidate is ManagedSigningKey =>
          isSigningKey(candidate) && candidate.state === 'active',
      )
      return key && { key, signingKey: await unwrapSigningKey(backend, wrapper, key) }
    },
  }
}

async function insert<Key extends ManagedKey, Tx>(
  transaction: KeyTransaction,
  key: Key,
  keys: readonly ManagedKey[],
  atOnce: boolean,
  now: number,
  by: By<Tx>,
): Promise<Key> {
  await transaction.insert(key)
  transaction.audit(entry('key.add', key, by.actor, by.reason ?? null))
  return atOnce
    ? activateNow(transaction, key, keys, now, { actor: by.actor, reason: 'active at once' })
    : key
}

async function activateNow<Key extends ManagedKey, Tx>(
  transaction: KeyTransaction,
  key: Key,
  keys: readonly ManagedKey[],
  now: number,
  by: By<Tx>,
): Promise<Key> {
  const [first, ...rest] = activate(keys, key, now, by.actor, by.reason ?? null)
  await write(transaction, first === undefined ? rest : [first, ...rest], by.actor)
  return (first?.key ?? key) as Key
}

async function revoke<Key extends ManagedKey>(
  transaction: KeyTransaction,
  key: Key,
  now: number,
  actor: string,
  reason: string,
): Promise<Key> {
  const revoked = step(key, 'revoked', now, actor, reason)
  await write(transaction, [{ key: revoked, from: key.state, reason }], actor)
  return revoked
}

const ACTIONS = { active: 'key.activate', retiring: 'key.retire', revoked: 'key.revoke' } as const

async function write(
  transaction: KeyTransaction,
  transitions: readonly Transition[],
  actor: string,
): Promise<void> {
  for (const { key, reason } of transitions) {
    await transaction.update(key)
    if (key.state !== 'pending') transaction.audit(entry(ACTIONS[key.state], key, actor, reason))
  }
}

function entry(
  action: KeyAuditEntry['action'],
  key: ManagedKey,
  actor: string,
  reason: string | null,
): KeyAuditEntry {
  return {
    actor,
    action,
    applicationId: key.applicationId,
    subject: key.id,
    detail: {
      purpose: key.purpose,
      keyId: key.keyId,
      suite: key.purpose === 'e2e' ? `${key.suite.kem}/${key.suite.aead}` : key.suite.signature,
      state: key.state,
      activateAt: key.activateAt,
      endAt: key.endAt,
      reason,
    },
  }
}

function newRecord<Tx>(now: number, by: By<Tx>) {
  return {
    state: 'pending' as const,
    createdAt: now,
    activatedAt: null,
    retiringAt: null,
    revokedAt: null,
    history: [{ state: 'pending' as const, at: now, actor: by.actor, reason: by.reason ?? null }],
  }
}

/** By UUID, whatever its state; by decimal key id only a live key. */
function findE2eKey(keys: readonly ManagedKey[], reference: string): ManagedE2eKey | undefined {
  const e2eKeys = keys.filter(isE2eKey)
  if (/^\d{1,3}$/.test(reference)) {
    return e2eKeys.find((key) => isLive(key) && key.keyId === Number(reference))
  }
  return e2eKeys.find((key) => key.id === reference)
}

function findSigningKey(keys: readonly ManagedKey[], id: string): ManagedSigningKey | undefined {
  return keys.filter(isSigningKey).find((key) => key.id === id)
}

function isE2eKey(key: ManagedKey): key is ManagedE2eKey {
  return key.purpose === 'e2e'
}

function isSigningKey(key: ManagedKey): key is ManagedSigningKey {
  return key.purpose !== 'e2e'
}

function notFound(applicationId: string): never {
  throw new KeyhavenError('NOT_FOUND', `application ${applicationId} has no such key`)
}

const MAX_REASON_CHARACTERS = 500

function checkReason(reason: string): string {
  const trimmed = reason.trim()
  if (trimmed !== '' && trimmed.length <= MAX_REASON_CHARACTERS) return trimmed
  throw new KeyhavenError('INPUT_INVALID', `reason must have 1 to ${MAX_REASON_CHARACTERS} characters`)
}
