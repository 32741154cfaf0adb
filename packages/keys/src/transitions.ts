import { KeyhavenError } from '@keyhaven/crypto'
import type { Actor, KeyState, ManagedKey } from './managed-key.ts'

/** From each state the states that can follow. Nothing follows `revoked`. */
export const NEXT_STATES: Readonly<Record<KeyState, readonly KeyState[]>> = {
  pending: ['active', 'revoked'],
  active: ['retiring', 'revoked'],
  retiring: ['revoked'],
  revoked: [],
}

/** One transition, as the store must write it and the audit log must tell it. */
export interface Transition<Key extends ManagedKey = ManagedKey> {
  readonly key: Key
  readonly from: KeyState
  readonly reason: string | null
}

/**
 * The key one step further; a revoked key has no private part any more.
 *
 * @param at - milliseconds since the epoch.
 * @throws KeyhavenError `CONFLICT` if the state cannot follow.
 */
export function step<Key extends ManagedKey>(
  key: Key,
  state: KeyState,
  at: number,
  actor: Actor,
  reason: string | null,
): Key {
  if (!NEXT_STATES[key.state].includes(state)) {
    throw new KeyhavenError('CONFLICT', `a key that is ${key.state} cannot become ${state}`)
  }
  return {
    ...key,
    state,
    activatedAt: state === 'active' ? at : key.activatedAt,
    retiringAt: state === 'retiring' ? at : key.retiringAt,
    revokedAt: state === 'revoked' ? at : key.revokedAt,
    wrappedPrivateKey: state === 'revoked' ? undefined : key.wrappedPrivateKey,
    history: [...key.history, { state, at, actor, reason }],
  }
}

/** Makes `key` active and every other active key of its purpose retiring. */
export function activate(
  keys: readonly ManagedKey[],
  key: ManagedKey,
  at: number,
  actor: Actor,
  reason: string | null,
): Transition[] {
  const retired = keys
    .filter((other) => other.id !== key.id && other.purpose === key.purpose && other.state === 'active')
    .map((other) => ({
      key: step(other, 'retiring', at, actor, 'a newer key became active'),
      from: other.state,
      reason: 'a newer key became active',
    }))
  return [{ key: step(key, 'active', at, actor, reason), from: key.state, reason }, ...retired]
}

/** What is due at `now`: planned ends first, then planned activations in their order. */
export function dueTransitions(keys: readonly ManagedKey[], now: number): Transition[] {
  const actor = 'system'
  const current = new Map(keys.map((key) => [key.id, key]))
  const transitions: Transition[] = []
  const apply = (transition: Transition): void => {
    current.set(transition.key.id, transition.key)
    transitions.push(transition)
  }
  for (const key of keys) {
    if (key.state === 'revoked' || key.endAt === null || key.endAt > now) continue
    apply({ key: step(key, 'revoked', now, actor, 'planned end'), from: key.state, reason: 'planned end' })
  }
  const ready = [...current.values()]
    .filter((key) => key.state === 'pending' && key.activateAt !== null && key.activateAt <= now)
    .sort((a, b) => (a.activateAt ?? 0) - (b.activateAt ?? 0) || a.createdAt - b.createdAt)
  for (const key of ready) {
    for (const transition of activate([...current.values()], key, now, actor, 'planned activation')) {
      apply(transition)
    }
  }
  return transitions
}
