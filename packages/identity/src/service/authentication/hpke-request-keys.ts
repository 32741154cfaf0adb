import type { KemPrivateKey } from '@keyhaven/crypto'
import { backend, toBase64url, utf8, Writer } from '@keyhaven/crypto'
import { AUTH_SUITE } from '../../authentication/keyhaven-request.ts'

/** A key is named for new requests so long, and opens what was sealed to it as long again. */
export const REQUEST_KEY_DAYS = 90
const MS_PER_DAY = 86_400_000
const SEED_BYTES = 32
const LABEL = 'keyhaven identity request key v1'

export interface HpkeRequestKey {
  /** SHA-256 of the public key, base64url. */
  readonly id: string
  readonly privateKey: KemPrivateKey
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/** IDA's HPKE keys (X-Wing) for requests: each period's follows from one kept secret. */
export interface HpkeRequestKeys {
  current(): Promise<HpkeRequestKey>
  /** @returns undefined for a key that is neither this period's nor the last one's. */
  byId(id: string): Promise<HpkeRequestKey | undefined>
}

/** @param secret - 32 bytes, see {@link AuthenticationSecrets.requestKey}. */
export function createHpkeRequestKeys(
  secret: Uint8Array,
  application: string,
  clock: () => number,
): HpkeRequestKeys {
  const made = new Map<number, Promise<HpkeRequestKey>>()
  const ofPeriod = (period: number): Promise<HpkeRequestKey> => {
    const known = made.get(period)
    if (known !== undefined) return known
    const making = make(period)
    made.set(period, making)
    made.delete(period - 2)
    return making
  }
  const make = async (period: number): Promise<HpkeRequestKey> => {
    const info = new Writer().bytes8(utf8(LABEL)).bytes8(utf8(application)).u32(period).done()
    const seed = await backend.hkdfExpand(secret, info, SEED_BYTES)
    const privateKey = await backend.kem.importPrivateKey(AUTH_SUITE.kem, seed)
    const id = toBase64url(await backend.sha256(privateKey.publicKey.bytes))
    return { id, privateKey, notAfter: (period + 2) * REQUEST_KEY_DAYS * MS_PER_DAY }
  }
  const now = () => Math.floor(clock() / (REQUEST_KEY_DAYS * MS_PER_DAY))
  return {
    current: () => ofPeriod(now()),
    async byId(id) {
      for (const period of [now(), now() - 1]) {
        const key = await ofPeriod(period)
        if (key.id === id) return key
      }
      return undefined
    },
  }
}
