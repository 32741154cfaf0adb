import {
  type Awaitable,
  type CryptoBackend,
  fromUtf8,
  KeyhavenError,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import type { IdentityKeys } from '../../keys/identity-keys.ts'
import type { KeyName } from '../../keys/key-name.ts'
import { openHybrid, sealLayoutA, sealLayoutB, sealLayoutC } from '../../mosip/hybrid.ts'
import { readJwsHeader, signDetachedJws, signJwt, verifyDetachedJws, verifyJwt } from '../../mosip/jws.ts'
import { openWithPin, sealWithPin } from '../../mosip/pin.ts'
import type { Certificate } from '../../x509/certificate.ts'

/** Port: who may use a module's private keys, MOSIP's `key_policy`. */
export interface KeyPolicies {
  /** Whether this caller may decrypt and sign with keys of this application id. */
  allows(appId: string, actor: string): Awaitable<boolean>
}

export interface KeymanagerOptions {
  readonly backend: CryptoBackend
  readonly keys: IdentityKeys
  readonly policies: KeyPolicies
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Rounds of PBKDF2; both ends must be set alike. */
  readonly pinIterations: number
  /**
   * Checks certificates against the authorities of a partner domain (`AUTH`, `DEVICE`, `FTM`, `TRUST_CA`).
   *
   * @throws KeyhavenError `CERTIFICATE_INVALID`
   */
  readonly trust: (domain: string, certificates: readonly [Certificate, ...Certificate[]]) => Awaitable<void>
}

export interface CipherRequest {
  readonly name: KeyName
  readonly data: Uint8Array
  /** Becomes the IV: layout A. */
  readonly salt: Uint8Array | undefined
  readonly aad: Uint8Array | undefined
}

export interface SignRequest {
  readonly name: KeyName
  /** JSON text. */
  readonly data: Uint8Array
  readonly includePayload: boolean
  readonly includeCertificate: boolean
  readonly includeCertificateHash: boolean
  readonly certificateUrl: string | undefined
}

export interface VerifyRequest {
  readonly name: KeyName
  readonly jws: string
  /** Of a detached signature. */
  readonly payload: Uint8Array | undefined
  readonly certificate: Certificate | undefined
  /** Undefined: only the certificate's dates are looked at, and the answer says so. */
  readonly domain: string | undefined
}

export interface Verification {
  readonly valid: boolean
  /** Undefined: not asked for. */
  readonly trusted: boolean | undefined
}

/** MOSIP's key manager: encrypts, decrypts and signs with named keys for the services of an identity system. */
export interface Keymanager {
  encrypt(request: CipherRequest): Promise<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED`, `ACCESS_DENIED`, `KEY_UNKNOWN`. */
  decrypt(request: CipherRequest, actor: string): Promise<Uint8Array>
  /** @throws KeyhavenError `INPUT_INVALID` if the data is no JSON, `ACCESS_DENIED`. */
  sign(request: SignRequest, actor: string): Promise<string>
  /** @throws KeyhavenError `CERTIFICATE_INVALID` if its certificate is not valid now. */
  verify(request: VerifyRequest): Promise<Verification>
  encryptWithPin(pin: string, text: string): Promise<Uint8Array>
  decryptWithPin(pin: string, data: Uint8Array): Promise<string>
}

export function createKeymanager(options: KeymanagerOptions): Keymanager {
  const { backend, keys, policies, clock } = options

  const requireAllowed = async ({ appId }: KeyName, actor: string): Promise<void> => {
    if (await policies.allows(appId, actor)) return
    throw new KeyhavenError('ACCESS_DENIED', `the key policy of ${appId} does not name this caller`)
  }

  /** Of a signature that has none in it: ours, of the generation that its `kid` names. */
  const ownCertificate = async (name: KeyName, jws: string): Promise<Certificate | undefined> => {
    const { kid } = readJwsHeader(jws)
    const certificates = await keys.certificates(name)
    if (typeof kid !== 'string') return certificates[0]
    return certificates.find(({ thumbprint }) => kid.endsWith(toBase64url(thumbprint)))
  }

  return {
    encrypt: async ({ name, data, salt, aad }) => {
      if (name.refId === '') throw new KeyhavenError('ACCESS_DENIED', 'encryption needs a referenceId')
      const recipient = await keys.recipient(name)
      if (salt !== undefined) return sealLayoutA(backend, recipient, data, salt, aad)
      if (aad !== undefined) return sealLayoutB(backend, recipient, data, aad)
      return sealLayoutC(backend, recipient, data)
    },

    decrypt: async ({ name, data, salt, aad }, actor) => {
      await requireAllowed(name, actor)
      return openHybrid(backend, keys.opener(name), data, { iv: salt, aad })
    },

    sign: async (request, actor) => {
      await requireAllowed(request.name, actor)
      requireJson(request.data)
      const [certificate, ...chain] = await keys.chain(request.name)
      const signer = {
        certificate: certificate!,
        chain,
        sign: async (data: Uint8Array) => (await keys.sign(request.name, data)).signature,
      }
      const { certificateUrl } = request
      return (request.includePayload ? signJwt : signDetachedJws)(signer, request.data, {
        x5c: request.includeCertificate,
        x5tS256: request.includeCertificateHash,
        ...(certificateUrl !== undefined && { x5u: certificateUrl }),
      })
    },

    verify: async ({ name, jws, payload, certificate: given, domain }) => {
      let trusted: boolean | undefined
      const trust = async (certificates: readonly [Certificate, ...Certificate[]]): Promise<void> => {
        requireDates(certificates[0], clock())
        if (domain === undefined) return
        try {
          await options.trust(domain, certificates)
          trusted = true
        } catch (error) {
          if (!(error instanceof KeyhavenError) || error.code !== 'CERTIFICATE_INVALID') throw error
          trusted = false
        }
      }
      try {
        const expected = { trust, certificate: given ?? (await ownCertificate(name, jws)) }
        if (payload === undefined) await verifyJwt(backend, jws, expected)
        else await verifyDetachedJws(backend, withoutPayload(jws), payload, expected)
        return { valid: true, trusted }
      } catch (error) {
        if (!(error instanceof KeyhavenError) || error.code !== 'SIGNATURE_INVALID') throw error
        return { valid: false, trusted: domain === undefined ? undefined : false }
      }
    },

    encryptWithPin: (pin, text) => sealWithPin(backend, pin, utf8(text), options.pinIterations),
    decryptWithPin: async (pin, data) =>
      fromUtf8(await openWithPin(backend, pin, data, options.pinIterations)),
  }
}

/** MOSIP puts the data it was given in the middle, whatever stands there. */
function withoutPayload(jws: string): string {
  return jws.replace(/\.[^.]*\./, '..')
}

function requireJson(data: Uint8Array): void {
  try {
    JSON.parse(fromUtf8(data))
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'the data to sign is not JSON')
  }
}

function requireDates({ notBefore, notAfter }: Certificate, now: number): void {
  if (now >= notBefore && now <= notAfter) return
  throw new KeyhavenError('CERTIFICATE_INVALID', 'the certificate is not valid at this time')
}
