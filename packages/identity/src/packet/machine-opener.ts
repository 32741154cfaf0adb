import { type CryptoBackend, equalConstantTime, openFailed } from '@keyhaven/crypto'
import type { Recipient, SessionKeyOpener } from '../mosip/session-key.ts'
import type { MachineKey } from './machine-key.ts'

/**
 * A machine as one that devices encrypt captures for. It has no certificate: its thumbprint is SHA-256 of the
 * public key.
 */
export async function machineRecipient(
  backend: CryptoBackend,
  { publicKeySpki }: MachineKey,
): Promise<Recipient> {
  return {
    thumbprint: await backend.sha256(publicKeySpki),
    publicKey: await backend.rsa.importPublicKey(publicKeySpki),
  }
}

/** Opens what was encrypted for {@link machineRecipient}. */
export function machineOpener(backend: CryptoBackend, machineKey: MachineKey): SessionKeyOpener {
  return {
    async open(thumbprint, wrapped) {
      const own = await backend.sha256(machineKey.publicKeySpki)
      if (thumbprint === undefined || !equalConstantTime(thumbprint, own)) throw openFailed()
      return machineKey.decrypt(wrapped)
    },
  }
}
