import type { Awaitable, CryptoBackend } from '@keyhaven/crypto'
import { KeyhavenError, overwrite, utf8, Writer } from '@keyhaven/crypto'
import type { MasterKey } from '../../keys/identity-keys.ts'
import type { OprfOrder, PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import {
  evaluateBlinded,
  generateOprfKeyPair,
  OPRF_SCALAR_BYTES,
  type OprfKeyPair,
} from '../../oprf/voprf.ts'
import type { OprfKeyInfo, OprfServer } from './oprf-server.ts'
import { readIssuanceOrder } from './read-issuance-order.ts'

const WRAP_LABEL = 'keyhaven oprf key v1'
const ORDER_LABEL = 'keyhaven oprf order v1'
/** What is wrong with a signature or its certificate. */
const INVALID: readonly string[] = ['SIGNATURE_INVALID', 'CERTIFICATE_INVALID']

/** A key as it is kept. */
export interface StoredOprfKey extends OprfKeyInfo {
  /** Under the module key of the OPRF, bound to application and version. */
  readonly wrapped: Uint8Array
}

/** What is spent by an evaluation. */
export interface OprfUse {
  readonly caller: string
  readonly version: number
  /** One for each element: the order and the version, hashed. 32 bytes. */
  readonly orders: readonly Uint8Array[]
}

/** Port: each call is one transaction. */
export interface OprfStore {
  /** Newest first. */
  keys(): Promise<readonly StoredOprfKey[]>
  /** The new one is active, all others are retired. @returns false if the version is taken. */
  insertKey(key: StoredOprfKey, actor: string): Promise<boolean>
  /**
   * Spends the orders, counts them for the caller, and writes the audit entry.
   *
   * @throws KeyhavenError `REPLAYED` if one was spent, `RATE_LIMITED` over the caller's quota.
   */
  spend(use: OprfUse): Promise<void>
}

export interface OprfServerOptions {
  readonly backend: CryptoBackend
  readonly application: string
  readonly store: OprfStore
  /** Module key of the OPRF, in the HSM where there is one. */
  readonly masterKey: () => Promise<MasterKey>
  /**
   * Whether a partner with a valid certificate has signed what has this digest.
   *
   * @throws KeyhavenError `CERTIFICATE_INVALID`
   */
  readonly verifyPartner: (request: PartnerSignedRequest) => Awaitable<boolean>
  /** Verifies a compact JWS of the issuer. @returns its payload. @throws KeyhavenError `SIGNATURE_INVALID`. */
  readonly verifyIssuer: (order: string) => Promise<Uint8Array>
  readonly clock: () => number
}

/** Holds its keys in memory while the process runs, and nowhere in clear. */
export function createOprfServer(options: OprfServerOptions): OprfServer {
  const { backend, application, store, clock } = options
  const held = new Map<number, OprfKeyPair>()

  const bound = (version: number) =>
    new Writer().bytes8(utf8(WRAP_LABEL)).bytes8(utf8(application)).u32(version).done()

  const make = async (version: number, actor: string): Promise<OprfKeyInfo | undefined> => {
    const { secretKey, publicKey } = await generateOprfKeyPair()
    const wrapped = await (await options.masterKey()).wrap(secretKey, bound(version))
    overwrite(secretKey)
    const info = { version, publicKey, state: 'active' as const, createdAt: clock() }
    return (await store.insertKey({ ...info, wrapped }, actor)) ? info : undefined
  }

  const keyPair = async (version: number): Promise<OprfKeyPair> => {
    const ready = held.get(version)
    if (ready !== undefined) return ready
    const stored = (await store.keys()).find((key) => key.version === version)
    if (stored === undefined) throw new KeyhavenError('KEY_UNKNOWN', `there is no key ${version}`)
    const secretKey = await (await options.masterKey()).unwrap(stored.wrapped, bound(version))
    if (secretKey.length !== OPRF_SCALAR_BYTES) throw new KeyhavenError('OPEN_FAILED', 'a stored key')
    const pair = { secretKey, publicKey: stored.publicKey }
    held.set(version, pair)
    return pair
  }

  /** What the order is spent as. An order for the issuer holds for its element; a partner's for one. */
  const check = async ({ element, reason }: OprfOrder): Promise<Uint8Array> => {
    if (reason.kind === 'authentication') {
      if (!(await options.verifyPartner(reason))) throw refused('no valid signature of a partner')
      return reason.digest
    }
    const payload = await verified(() => options.verifyIssuer(reason.order))
    readIssuanceOrder(payload, { application, element, now: clock() })
    return backend.sha256(payload)
  }

  const keys = async (): Promise<readonly OprfKeyInfo[]> => {
    const found = await store.keys()
    if (found.length > 0) return found.map(({ wrapped: _, ...info }) => info)
    await make(1, 'system')
    return (await store.keys()).map(({ wrapped: _, ...info }) => info)
  }

  return {
    keys,
    async evaluate(caller, version, orders) {
      const pair = await keyPair(version)
      const spent = await Promise.all(
        orders.map(async (order) => {
          const name = await check(order)
          const use = new Writer().bytes8(utf8(ORDER_LABEL)).bytes8(utf8(order.reason.kind)).u32(version)
          return backend.sha256(use.bytes(name).done())
        }),
      )
      if (new Set(spent.map((bytes) => bytes.join())).size !== spent.length) throw replayed()
      const evaluation = await evaluateBlinded(
        pair,
        orders.map(({ element }) => element),
      )
      await store.spend({ caller, version, orders: spent })
      return evaluation
    },
    async rotate(actor) {
      const [newest] = await keys()
      const made = await make((newest?.version ?? 0) + 1, actor)
      if (made !== undefined) return made
      throw new KeyhavenError('CONFLICT', 'the key was rotated meanwhile')
    },
  }
}

async function verified(verify: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await verify()
  } catch (cause) {
    // Whoever is refused is never issued to: a fault of the store, whose errors have no code, refuses nobody.
    if (!(cause instanceof KeyhavenError) || !INVALID.includes(cause.code)) throw cause
    throw refused('no valid signature of the issuer', cause)
  }
}

function refused(what: string, cause?: unknown): KeyhavenError {
  return new KeyhavenError('ACCESS_DENIED', `an order for the oblivious PRF has ${what}`, { cause })
}

function replayed(): KeyhavenError {
  return new KeyhavenError('REPLAYED', 'an order for the oblivious PRF was used before')
}
