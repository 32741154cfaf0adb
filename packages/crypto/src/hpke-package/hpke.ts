import type { CipherSuite } from 'hpke'
import type { Hpke, RecipientContext, SenderContext } from '../backend.ts'
import { KeyhavenError } from '../error.ts'
import { openFailed } from '../open-failed.ts'
import { isUncompressedPoint } from '../p256-point.ts'
import { requireExportLength } from '../require-length.ts'
import { KEM_ENCAPSULATED_KEY_BYTES } from '../suite.ts'
import { PackageKemPrivateKey, PackageKemPublicKey } from './kem-keys.ts'
import { packageError, type Suites } from './suites.ts'

type PackageSender = Awaited<ReturnType<CipherSuite['SetupSender']>>['ctx']
type PackageRecipient = Awaited<ReturnType<CipherSuite['SetupRecipient']>>

/** RFC 9180 in base mode through the `hpke` package. */
export function createHpke(suites: Suites): Hpke {
  return {
    async setupSender(suite, publicKey, info, ephemeral) {
      const key = PackageKemPublicKey.key(suite.kem, publicKey)
      const made = await (ephemeral ? suites.deterministic(suite, ephemeral) : suites.of(suite))
      try {
        const { encapsulatedSecret, ctx } = await made.SetupSender(key, { info })
        return senderContext(encapsulatedSecret, ctx)
      } catch (error) {
        throw packageError(error, () => new KeyhavenError('WIRE_MALFORMED', 'the public key is not usable'))
      }
    },

    async setupRecipient(suite, privateKey, enc, info) {
      const pair = PackageKemPrivateKey.pair(suite.kem, privateKey)
      if (enc.length !== KEM_ENCAPSULATED_KEY_BYTES[suite.kem]) throw openFailed()
      if (suite.kem === 'p-256' && !isUncompressedPoint(enc)) throw openFailed()
      const made = await suites.of(suite)
      try {
        return recipientContext(await made.SetupRecipient(pair, enc, { info }))
      } catch (error) {
        throw packageError(error, openFailed)
      }
    },
  }
}

function senderContext(enc: Uint8Array, context: PackageSender): SenderContext {
  return {
    enc,
    seal: (plaintext, aad) => context.Seal(plaintext, aad),
    async export(exporterContext, length) {
      requireExportLength(length)
      return context.Export(exporterContext, length)
    },
  }
}

function recipientContext(context: PackageRecipient): RecipientContext {
  return {
    async open(ciphertext, aad) {
      try {
        return await context.Open(ciphertext, aad)
      } catch (error) {
        throw packageError(error, openFailed)
      }
    },
    async export(exporterContext, length) {
      requireExportLength(length)
      return context.Export(exporterContext, length)
    },
  }
}
