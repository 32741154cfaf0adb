import { readFileSync } from 'node:fs'
import { backend, openFailed, type RsaPrivateKey, toHex } from '@keyhaven/crypto'
import {
  type Certificate,
  type CertificateRequest,
  issueCertificate,
  type JwsSigner,
  type KeyUsageName,
  type Recipient,
  type SessionKeyOpener,
} from '../../src/index.ts'

interface KeyFile {
  readonly rsa2048: readonly string[]
  readonly rsa1024: string
}

const file = JSON.parse(readFileSync(new URL('test-keys.json', import.meta.url), 'utf8')) as KeyFile

/** How many different keys {@link testKey} has. */
export const TEST_KEYS = file.rsa2048.length
/** PKCS#8 of a key that is too small for anything. */
export const SMALL_KEY_PKCS8 = Buffer.from(file.rsa1024, 'base64')

const DAY_MS = 86_400_000
const imported = new Map<number, RsaPrivateKey>()

/** One of a few fixed RSA-2048 keys, imported once: making one takes up to half a second. */
export async function testKey(index: number): Promise<RsaPrivateKey> {
  const known = imported.get(index)
  if (known) return known
  const key = await backend.rsa.importPrivateKey(testKeyPkcs8(index))
  imported.set(index, key)
  return key
}

export function testKeyPkcs8(index: number): Uint8Array {
  const text = file.rsa2048[index]
  if (text === undefined) throw new RangeError(`there are ${TEST_KEYS} test keys`)
  return new Uint8Array(Buffer.from(text, 'base64'))
}

/** A key with a certificate. */
export interface TestHolder {
  readonly key: RsaPrivateKey
  readonly certificate: Certificate
  readonly recipient: Recipient
  readonly opener: SessionKeyOpener
  readonly signer: JwsSigner
}

const ALL_USES: readonly KeyUsageName[] = ['digitalSignature', 'keyEncipherment', 'dataEncipherment']

/**
 * Test key `index` with a certificate for everything but issuing.
 *
 * @param over - what differs; `issuer` for example makes a chain, `ca: true` an authority.
 */
export async function testHolder(
  index: number,
  over: Partial<CertificateRequest> & { readonly issuedBy?: TestHolder } = {},
): Promise<TestHolder> {
  const key = await testKey(index)
  const { issuedBy, ...request } = over
  const sign = async (data: Uint8Array) => backend.rsa.signPkcs1(key, data)
  const now = Date.now()
  const certificate = await issueCertificate({
    subject: { commonName: `Test ${index}`, organisation: 'Invented Tests' },
    publicKey: key.publicKey,
    issuer: issuedBy
      ? { certificate: issuedBy.certificate, sign: (data) => issuedBy.signer.sign(data) }
      : { certificate: undefined, sign },
    notBefore: now - DAY_MS,
    notAfter: now + 365 * DAY_MS,
    keyUsage: over.ca ? [...ALL_USES, 'keyCertSign'] : ALL_USES,
    ...request,
  })
  return {
    key,
    certificate,
    recipient: { thumbprint: certificate.thumbprint, publicKey: key.publicKey },
    opener: openerOf([{ certificate, key }]),
    signer: { sign, certificate },
  }
}

/** Opens with whichever of the keys is named; without a name with the first. */
export function openerOf(
  holders: readonly { readonly certificate: Certificate; readonly key: RsaPrivateKey }[],
): SessionKeyOpener {
  return {
    async open(thumbprint, wrapped) {
      const holder =
        thumbprint === undefined
          ? holders[0]
          : holders.find(({ certificate }) => toHex(certificate.thumbprint) === toHex(thumbprint))
      if (holder === undefined) throw openFailed()
      return backend.rsa.decryptOaep(holder.key, wrapped)
    },
  }
}
