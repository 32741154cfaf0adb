import type { VaultStatus } from '../api/identity-vault.ts'

export interface Rotation {
  /** Of the issuer credentials, of an IDA people, that are under keys of the newest generation. */
  readonly done: number
  readonly all: number
  /** 0 to 100, rounded down: 100 means every one. */
  readonly percent: number
}

/** How far a rotation of the pool is. */
export function rotationOf(vault: VaultStatus): Rotation {
  const { credentials, records = 0, recordsOfOldGenerations = 0 } = vault
  const done = credentials?.done ?? records - recordsOfOldGenerations
  const all = credentials === undefined ? records : credentials.done + credentials.left
  return { done, all, percent: all === 0 ? 100 : Math.floor((done / all) * 100) }
}
