import { equalConstantTime, KeyhavenError, overwrite } from '@keyhaven/crypto'
import type { OprfReason, OprfTransport } from './oprf-wire.ts'
import { type BlindedInput, blindInput, finalizeEvaluation, MAX_OPRF_ELEMENTS } from './voprf.ts'

/** How long a list of keys is believed to be the newest. */
const KEYS_FRESH_MS = 60_000

/** Remembers the public key of each version: it never becomes another one. */
export interface OprfKeyMemory {
  /** @returns the key that is remembered now: the given one, if there was none. */
  remember(version: number, publicKey: Uint8Array): Promise<Uint8Array>
}

export interface OprfClientOptions {
  readonly transport: OprfTransport
  readonly memory: OprfKeyMemory
  readonly clock: () => number
}

export interface OprfAsk {
  readonly input: Uint8Array
  readonly version: number
  /** What entitles to this evaluation; an issuer signs the blinded element. */
  reason(element: Uint8Array): Promise<OprfReason>
}

export interface OprfClient {
  /** Versions of the server's key, newest first. @throws KeyhavenError `PROOF_INVALID` if one was exchanged. */
  versions(): Promise<readonly number[]>
  /**
   * The output, 64 bytes, its proof verified; the caller overwrites it. Calls that are waiting go together.
   *
   * @throws KeyhavenError `PROOF_INVALID`, `KEY_UNKNOWN`, `ACCESS_DENIED`, `REPLAYED`, `RATE_LIMITED`,
   *   `UPSTREAM_FAILED`.
   */
  evaluate(ask: OprfAsk): Promise<Uint8Array>
}

interface Waiting {
  readonly blinded: BlindedInput
  readonly reason: OprfReason
  resolve(output: Uint8Array): void
  reject(error: unknown): void
}

/** A client of one OPRF server and application. */
export function createOprfClient({ transport, memory, clock }: OprfClientOptions): OprfClient {
  const known = new Map<number, Uint8Array>()
  const queues = new Map<number, Waiting[]>()
  const busy = new Set<number>()
  let newest: readonly number[] = []
  let freshUntil = 0
  let asking: Promise<void> | undefined

  const refresh = async (): Promise<void> => {
    const keys = await transport.keys()
    for (const { version, publicKey } of keys) {
      if (known.has(version)) continue
      const remembered = await memory.remember(version, publicKey)
      if (!equalConstantTime(remembered, publicKey)) {
        throw new KeyhavenError(
          'PROOF_INVALID',
          `key ${version} of the oblivious PRF was exchanged for another`,
        )
      }
      known.set(version, publicKey)
    }
    newest = keys.map(({ version }) => version).sort((a, b) => b - a)
    freshUntil = clock() + KEYS_FRESH_MS
  }
  const learn = (): Promise<void> => {
    asking ??= refresh().finally(() => {
      asking = undefined
    })
    return asking
  }

  const keyOf = async (version: number): Promise<Uint8Array> => {
    if (!known.has(version)) await learn()
    const key = known.get(version)
    if (key !== undefined) return key
    throw new KeyhavenError('KEY_UNKNOWN', `the oblivious PRF has no key ${version}`)
  }

  /** One call at a time for each version: whoever comes meanwhile goes with the next, under one proof. */
  const send = async (version: number): Promise<void> => {
    if (busy.has(version)) return
    busy.add(version)
    for (let batch = take(version); batch.length > 0; batch = take(version)) await sendBatch(version, batch)
    busy.delete(version)
  }
  const take = (version: number): Waiting[] => {
    const batch = queues.get(version)?.splice(0, MAX_OPRF_ELEMENTS) ?? []
    if (batch.length === 0) queues.delete(version)
    return batch
  }

  const sendBatch = async (version: number, batch: readonly Waiting[]): Promise<void> => {
    try {
      const publicKey = await keyOf(version)
      const orders = batch.map(({ blinded, reason }) => ({ element: blinded.blinded, reason }))
      const answer = await transport.evaluate(version, orders)
      const inputs = batch.map(({ blinded }) => blinded)
      const outputs = await finalizeEvaluation(inputs, publicKey, answer)
      outputs.forEach((output, at) => {
        batch[at]!.resolve(output)
      })
    } catch (error) {
      if (batch.length > 1 && isRefusal(error)) {
        // One refused order refuses its batch: each again by itself, so that it harms nobody else.
        for (const one of batch) await sendBatch(version, [one])
        return
      }
      for (const one of batch) one.reject(error)
    }
    for (const { blinded } of batch) overwrite(blinded.blind)
  }

  return {
    async versions() {
      if (clock() >= freshUntil) await learn()
      return newest
    },
    async evaluate({ input, version, reason }) {
      const blinded = await blindInput(input)
      const why = await reason(blinded.blinded)
      return new Promise<Uint8Array>((resolve, reject) => {
        const queue = queues.get(version) ?? []
        queues.set(version, queue)
        queue.push({ blinded, reason: why, resolve, reject })
        void send(version)
      })
    },
  }
}

const REFUSALS: readonly string[] = ['ACCESS_DENIED', 'REPLAYED', 'WIRE_MALFORMED']

function isRefusal(error: unknown): boolean {
  return error instanceof KeyhavenError && REFUSALS.includes(error.code)
}
