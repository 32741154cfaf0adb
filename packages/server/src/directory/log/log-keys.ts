import type { SigningKey } from '@keyhaven/crypto'
import { backend, fromBase64url, KeyhavenError } from '@keyhaven/crypto'
import { vrfKeyPair, vrfOutput, vrfProve } from '@keyhaven/crypto/vrf'
import type { LogSigner } from '@keyhaven/directory/log'
import { createLogSigner, formatVerifierKey } from '@keyhaven/directory/log'
import type { LabelKey } from '@keyhaven/directory/service'
import type { SigningPurpose } from '@keyhaven/keys'
import type { State, StateTransaction } from '../../platform/state/state.ts'

/** Proofs are always the same for one name and cost milliseconds each. */
const MAX_KNOWN_PROOFS = 10_000

/** What an application's log and authority sign and prove with. */
export interface LogKeys {
  readonly origin: string
  readonly signer: LogSigner
  /** What apps are configured with. */
  readonly verifierKey: string
  readonly authority: SigningKey
  readonly label: LabelKey
  /** 32 bytes. */
  readonly vrfPublicKey: Uint8Array
}

/** The keys that a log is made with. */
export const LOG_KEY_PURPOSES: readonly SigningPurpose[] = ['log-signing', 'authority-signing', 'vrf']

/**
 * Unwraps an application's keys.
 *
 * @returns undefined if the application has no log.
 * @throws KeyhavenError `CONFIG_INVALID` if one of them is gone.
 */
export async function loadLogKeys(
  state: State,
  applicationId: string,
  transaction?: StateTransaction,
): Promise<LogKeys | undefined> {
  const head = await (transaction?.db ?? state.db)
    .selectFrom('log_heads')
    .select('origin')
    .where('application_id', '=', applicationId)
    .executeTakeFirst()
  if (head === undefined) return undefined
  const key = async (purpose: SigningPurpose): Promise<SigningKey> => {
    const found = await state.keys.signingKey(applicationId, purpose, transaction)
    if (found === undefined) throw new KeyhavenError('CONFIG_INVALID', `the directory has no ${purpose} key`)
    return found.signingKey
  }
  const signer = await createLogSigner(backend, head.origin, await key('log-signing'))
  const vrf = await backend.signatures.exportSigningKey(await key('vrf'))
  const pair = vrfKeyPair(fromBase64url(String(vrf.d)))
  return {
    origin: head.origin,
    signer,
    verifierKey: formatVerifierKey(signer.checkpoint.verifier),
    authority: await key('authority-signing'),
    label: createLabelKey(pair.secretKey),
    vrfPublicKey: pair.publicKey,
  }
}

function createLabelKey(secretKey: Uint8Array): LabelKey {
  const known = new Map<string, Uint8Array>()
  return {
    prove(alpha) {
      const name = Buffer.from(alpha).toString('base64')
      const proof = known.get(name) ?? vrfProve(secretKey, alpha)
      known.delete(name)
      known.set(name, proof)
      if (known.size > MAX_KNOWN_PROOFS) known.delete(known.keys().next().value!)
      return proof
    },
    output: vrfOutput,
  }
}
