import {
  type CryptoBackend,
  fromBase64url,
  KeyhavenError,
  toBase64url,
  type VerifyKey,
} from '@keyhaven/crypto'
import {
  decodeLeaf,
  importLogTrust,
  type LogTrust,
  type LogTrustConfiguration,
  leafHash,
  type OpenedCheckpoint,
  openCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from '../log/index.ts'
import { type DirectoryClientStore, RememberedValue, storeKey } from './client-store.ts'
import type { RememberedCheckpoint } from './directory-client.ts'

/** A look-up's checkpoint may be so old. */
export const CHECKPOINT_MAX_AGE_SECONDS = 3_600

/** What leaf 0 says, imported. */
export interface DirectoryParameters {
  /** 32 bytes. */
  readonly vrfKey: Uint8Array
  readonly authority: VerifyKey
}

/** Checkpoint and leaf 0 change together, in one write. */
export interface RememberedLog extends RememberedCheckpoint {
  /** Leaf 0, base64url. */
  readonly parameters: string
}

export interface LogMemoryOptions {
  readonly backend: CryptoBackend
  readonly application: string
  readonly trust: LogTrustConfiguration
  readonly store: DirectoryClientStore
  /** Seconds since the epoch. */
  readonly now: () => number
  /** Asks the server for a proof; nothing of it is believed. */
  readonly consistency: (from: number, to: number) => Promise<readonly Uint8Array[]>
}

/** What came with a checkpoint. */
export interface CheckpointProofs {
  /** What the request named: undefined if nothing was remembered then. */
  readonly base: RememberedLog | undefined
  /** From `base` to the checkpoint. */
  readonly consistency: readonly Uint8Array[] | undefined
  readonly parameters: { readonly leaf: Uint8Array; readonly proof: readonly Uint8Array[] } | undefined
}

/** The log as this client has seen it: it only ever grows. */
export class LogMemory {
  readonly #options: LogMemoryOptions
  #trust: Promise<LogTrust> | undefined

  constructor(options: LogMemoryOptions) {
    this.#options = options
  }

  async remembered(): Promise<RememberedLog | undefined> {
    return (await this.#value()).read()
  }

  async parametersOf(log: Pick<RememberedLog, 'parameters'>): Promise<DirectoryParameters> {
    return this.#importParameters(fromBase64url(log.parameters))
  }

  /** Name that the log's checkpoints carry. */
  async origin(): Promise<string> {
    return (await this.#importedTrust()).log.name
  }

  /**
   * Verifies a checkpoint against everything remembered, and remembers it if it is newer. A smaller one, of less than an
   * hour ago, is taken only if the directory proves that the remembered one grew out of it.
   *
   * @throws KeyhavenError `SIGNATURE_INVALID`, `PROOF_INVALID` (witnesses, leaf 0), `DIRECTORY_STALE`, `CLOCK_SKEW`;
   *   `LOG_INCONSISTENT` if the log forked or shrank.
   */
  async accept(note: string, proofs: CheckpointProofs): Promise<OpenedCheckpoint & { parameters: string }> {
    const opened = await this.#open(note)
    const { base } = proofs
    if (base !== undefined) await this.#requireGrowth(base, opened, proofs.consistency)
    const parameters = base?.parameters ?? (await this.#provenParameters(opened, proofs.parameters))
    await this.#remember(opened, parameters, base)
    return { ...opened, parameters }
  }

  /**
   * Whether this is a log as the app trusts it, before anything is handed to it: signed by its key, by enough witnesses,
   * and not stale. Nothing is remembered.
   *
   * @throws KeyhavenError `SIGNATURE_INVALID`, `PROOF_INVALID` (witnesses), `DIRECTORY_STALE`, `CLOCK_SKEW`.
   */
  async check(note: string): Promise<void> {
    await this.#open(note)
  }

  async #open(note: string): Promise<OpenedCheckpoint> {
    const { backend, now } = this.#options
    const expected = {
      ...(await this.#importedTrust()),
      now: now(),
      maxAgeSeconds: CHECKPOINT_MAX_AGE_SECONDS,
    }
    return openCheckpoint(backend, note, expected)
  }

  /**
   * Somebody else's checkpoint, of any age, against the remembered one. The log's own signature is enough: two
   * signed checkpoints that exclude each other are the proof of a fork, witnesses or not.
   */
  async compare(note: string): Promise<void> {
    const { backend, now } = this.#options
    const trust = await this.#importedTrust()
    const witnesses = { ...trust.witnesses, threshold: 0 }
    const theirs = await openCheckpoint(backend, note, { ...trust, witnesses, now: now() })
    const own = await this.remembered()
    if (own === undefined) {
      throw new KeyhavenError('DIRECTORY_STALE', 'no own checkpoint yet: look somebody up first')
    }
    await this.#requireOneLog(own, { size: theirs.size, root: toBase64url(theirs.root) })
  }

  /** Another process of this device may have gone further meanwhile: both must be one log, and the larger one stays. */
  async #remember(
    opened: OpenedCheckpoint,
    parameters: string,
    base: RememberedLog | undefined,
  ): Promise<void> {
    const value = await this.#value()
    const mine = { size: opened.size, root: toBase64url(opened.root), note: opened.note, parameters }
    const stored = await value.read()
    if (stored !== undefined && (stored.size !== base?.size || stored.root !== base.root)) {
      if (stored.parameters !== parameters) throw forked('leaf 0 differs')
      await this.#requireOneLog(stored, mine)
    }
    if (stored === undefined || mine.size >= stored.size) await value.write(mine)
  }

  async #requireGrowth(
    base: RememberedCheckpoint,
    opened: OpenedCheckpoint,
    proof: readonly Uint8Array[] | undefined,
  ): Promise<void> {
    // A process of the server with a checkpoint of minutes ago: it can prove that nothing was lost since.
    if (opened.size < base.size) {
      await this.#requireOneLog(base, { size: opened.size, root: toBase64url(opened.root) })
      return
    }
    await verifyConsistency(this.#options.backend, {
      size1: base.size,
      root1: fromBase64url(base.root),
      size2: opened.size,
      root2: opened.root,
      proof: proof ?? [],
    })
  }

  async #requireOneLog(
    a: Pick<RememberedCheckpoint, 'size' | 'root'>,
    b: Pick<RememberedCheckpoint, 'size' | 'root'>,
  ): Promise<void> {
    const [older, newer] = a.size <= b.size ? [a, b] : [b, a]
    const claim = {
      size1: older.size,
      root1: fromBase64url(older.root),
      size2: newer.size,
      root2: fromBase64url(newer.root),
    }
    const trivial = older.size === 0 || older.size === newer.size
    const proof = trivial ? [] : await this.#proofOrFork(older.size, newer.size)
    await verifyConsistency(this.#options.backend, { ...claim, proof })
  }

  /** Both checkpoints are signed by the log: that it cannot prove them to be one log is what a fork looks like. */
  async #proofOrFork(from: number, to: number): Promise<readonly Uint8Array[]> {
    try {
      return await this.#options.consistency(from, to)
    } catch (error) {
      if (error instanceof KeyhavenError && (error.code === 'INPUT_INVALID' || error.code === 'NOT_FOUND')) {
        throw forked('it does not prove that two of its checkpoints belong together')
      }
      throw error
    }
  }

  async #provenParameters(opened: OpenedCheckpoint, claim: CheckpointProofs['parameters']): Promise<string> {
    if (claim === undefined) throw new KeyhavenError('PROOF_INVALID', 'leaf 0 is missing')
    const { backend } = this.#options
    await verifyInclusion(backend, {
      leafHash: await leafHash(backend, claim.leaf),
      index: 0,
      size: opened.size,
      proof: claim.proof,
      root: opened.root,
    })
    await this.#importParameters(claim.leaf)
    return toBase64url(claim.leaf)
  }

  async #importParameters(leaf: Uint8Array): Promise<DirectoryParameters> {
    const { backend, application } = this.#options
    const parameters = decodeLeaf(leaf)
    const origin = await this.origin()
    if (
      parameters.kind !== 'parameters' ||
      parameters.application !== application ||
      parameters.origin !== origin
    ) {
      throw new KeyhavenError('PROOF_INVALID', 'leaf 0 is of another application or log')
    }
    const { kty, crv, x } = parameters.authorityKey
    return {
      vrfKey: fromBase64url(parameters.vrfKey),
      authority: await backend.signatures.importVerifyKey('EdDSA', { kty, crv, x }),
    }
  }

  #importedTrust(): Promise<LogTrust> {
    const { backend, trust } = this.#options
    this.#trust ??= importLogTrust(backend, trust)
    return this.#trust
  }

  async #value(): Promise<RememberedValue<RememberedLog>> {
    const { store, application } = this.#options
    return new RememberedValue(store, storeKey(application, await this.origin(), 'log'))
  }
}

function forked(how: string): KeyhavenError {
  return new KeyhavenError('LOG_INCONSISTENT', `the log is not the one seen before: ${how}`)
}
