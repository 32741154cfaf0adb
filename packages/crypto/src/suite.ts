import type { AeadName, KemName } from './backend.ts'

/** HPKE KEM identifiers (RFC 9180 §7.1; X-Wing: draft-ietf-hpke-pq). */
export const KEM_IDS = { 'x-wing': 0x647a, x25519: 0x0020, 'p-256': 0x0010 } as const satisfies Record<
  KemName,
  number
>

/** HPKE AEAD identifiers (RFC 9180 §7.3). */
export const AEAD_IDS = {
  'aes-128-gcm': 0x0001,
  'aes-256-gcm': 0x0002,
  'chacha20-poly1305': 0x0003,
} as const satisfies Record<AeadName, number>

/** HPKE KDF identifier of HKDF-SHA256 (RFC 9180 §7.2), the only one in use. */
export const KDF_HKDF_SHA256 = 0x0001

/** Serialised sizes in bytes (RFC 9180 §7.1; X-Wing: draft-connolly-cfrg-xwing-kem §5). */
export const KEM_PUBLIC_KEY_BYTES = { 'x-wing': 1216, x25519: 32, 'p-256': 65 } as const satisfies Record<
  KemName,
  number
>
export const KEM_PRIVATE_KEY_BYTES = { 'x-wing': 32, x25519: 32, 'p-256': 32 } as const satisfies Record<
  KemName,
  number
>
export const KEM_ENCAPSULATED_KEY_BYTES = {
  'x-wing': 1120,
  x25519: 32,
  'p-256': 65,
} as const satisfies Record<KemName, number>
export const AEAD_KEY_BYTES = {
  'aes-128-gcm': 16,
  'aes-256-gcm': 32,
  'chacha20-poly1305': 32,
} as const satisfies Record<AeadName, number>

/** Nonce (Nn) and tag (Nt) sizes, the same for all three AEADs. */
export const AEAD_NONCE_BYTES = 12
export const AEAD_TAG_BYTES = 16
export const SHA256_BYTES = 32

const KEM_NAMES = new Map<number, KemName>(Object.entries(KEM_IDS).map(([name, id]) => [id, name as KemName]))
const AEAD_NAMES = new Map<number, AeadName>(
  Object.entries(AEAD_IDS).map(([name, id]) => [id, name as AeadName]),
)

/** @returns undefined for a KEM that we do not have. */
export function kemById(id: number): KemName | undefined {
  return KEM_NAMES.get(id)
}

/** @returns undefined for an AEAD that we do not have. */
export function aeadById(id: number): AeadName | undefined {
  return AEAD_NAMES.get(id)
}
