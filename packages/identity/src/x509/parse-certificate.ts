import { fromBase64, KeyhavenError, toHex } from '@keyhaven/crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Certificate, KeyUsageName } from './certificate.ts'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509Certificate,
} from './peculiar.ts'
import { isStrictCertificate } from './strict-der.ts'

/** A certificate of an RSA-4096 key with long names has about 2.5 kB. */
export const MAX_CERTIFICATE_BYTES = 16_384
const MAX_PEM_CHARACTERS = 32_768
const MAX_CACHED_CERTIFICATES = 1_024
const MAX_CACHED_TEXTS = 256
const USAGES: readonly KeyUsageName[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
]

/** @internal What checking chains asks of a certificate again and again, worked out once. */
export interface CertificateFacts {
  /** The library's object. */
  readonly x509: X509Certificate
  /** Thumbprint, DER of the subject's and of the issuer's name: hexadecimal. */
  readonly thumbprint: string
  readonly subject: string
  readonly issuer: string
  /** Object identifiers of its critical extensions. */
  readonly critical: readonly string[]
}

/** By thumbprint, the least recently used out first: parsing takes as long as ten verifications. */
const cache = new Map<string, Certificate>()
const texts = new Map<string, Certificate>()
const factsOf = new WeakMap<Certificate, CertificateFacts>()

/**
 * @param derOrPem - one certificate; of a PEM with several the first.
 * @throws KeyhavenError `CERTIFICATE_INVALID` if it does not parse or is over {@link MAX_CERTIFICATE_BYTES}.
 */
export function parseCertificate(derOrPem: Uint8Array | string): Certificate {
  const der = typeof derOrPem === 'string' ? firstOfPem(derOrPem) : derOrPem
  if (der.length > MAX_CERTIFICATE_BYTES) throw invalid()
  const thumbprint = sha256(der)
  const name = toHex(thumbprint)
  const known = cache.get(name)
  const certificate = known ?? parse(Uint8Array.from(der), thumbprint, name)
  if (known !== undefined) cache.delete(name)
  else if (cache.size >= MAX_CACHED_CERTIFICATES) cache.delete(cache.keys().next().value!)
  cache.set(name, certificate)
  return certificate
}

/**
 * A certificate as `x5c` has it (RFC 7515 §4.1.6). The same text comes with every signature of a signer: it is
 * decoded and hashed once.
 *
 * @param text - standard Base64 of DER.
 * @throws KeyhavenError `CERTIFICATE_INVALID`, `WIRE_MALFORMED`.
 */
export function parseCertificateText(text: string): Certificate {
  const known = texts.get(text)
  if (known !== undefined) return known
  const certificate = parseCertificate(fromBase64(text))
  if (texts.size >= MAX_CACHED_TEXTS) texts.clear()
  texts.set(text, certificate)
  return certificate
}

/** Every certificate of a PEM bundle. Throws as {@link parseCertificate}. */
export function parseCertificates(pem: string): Certificate[] {
  if (pem.length > MAX_PEM_CHARACTERS * 8) throw invalid()
  try {
    return PemConverter.decode(pem).map((der) => parseCertificate(new Uint8Array(der)))
  } catch (error) {
    throw error instanceof KeyhavenError ? error : invalid()
  }
}

/** PEM (RFC 7468), a line feed at its end. */
export function certificateToPem(certificate: Certificate): string {
  return `${PemConverter.encode(Uint8Array.from(certificate.der), PemConverter.CertificateTag)}\n`
}

/** @internal Of a certificate that {@link parseCertificate} made. */
export function certificateFacts(certificate: Certificate): CertificateFacts {
  const known = factsOf.get(certificate)
  if (known === undefined) throw new TypeError('not a certificate that parseCertificate made')
  return known
}

function parse(der: Uint8Array<ArrayBuffer>, thumbprint: Uint8Array, name: string): Certificate {
  try {
    if (!isStrictCertificate(der)) throw invalid()
    const x509 = new X509Certificate(der)
    const constraints = x509.getExtension(BasicConstraintsExtension)
    const usage = x509.getExtension(KeyUsagesExtension)
    const algorithm = x509.publicKey.algorithm as Partial<RsaKeyAlgorithm> & Algorithm
    const isRsa = algorithm.name.startsWith('RSA')
    const certificate: Certificate = {
      der,
      thumbprint,
      subject: x509.subject,
      issuer: x509.issuer,
      commonName: x509.subjectName.getField('CN')[0] ?? '',
      organisations: x509.subjectName.getField('O'),
      serial: x509.serialNumber,
      notBefore: x509.notBefore.getTime(),
      notAfter: x509.notAfter.getTime(),
      publicKey: {
        modulusBits: isRsa ? (algorithm.modulusLength ?? 0) : 0,
        spki: new Uint8Array(x509.publicKey.rawData),
      },
      keyUsage:
        usage === null ? undefined : USAGES.filter((name) => (usage.usages & KeyUsageFlags[name]) !== 0),
      isCa: constraints?.ca ?? false,
      pathLength: constraints?.pathLength,
    }
    factsOf.set(certificate, {
      ...{ x509, thumbprint: name },
      subject: toHex(new Uint8Array(x509.subjectName.toArrayBuffer())),
      issuer: toHex(new Uint8Array(x509.issuerName.toArrayBuffer())),
      critical: x509.extensions.filter(({ critical }) => critical).map(({ type }) => type),
    })
    return certificate
  } catch {
    throw invalid()
  }
}

function firstOfPem(pem: string): Uint8Array {
  if (pem.length > MAX_PEM_CHARACTERS) throw invalid()
  try {
    return new Uint8Array(PemConverter.decodeFirst(pem))
  } catch {
    throw invalid()
  }
}

function invalid(): KeyhavenError {
  return new KeyhavenError('CERTIFICATE_INVALID', 'this is not a certificate')
}
