import { type Awaitable, type RsaPublicKey, toHex } from '@keyhaven/crypto'
import type { Certificate, KeyUsageName } from './certificate.ts'
import { certificateFacts, parseCertificate } from './parse-certificate.ts'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './peculiar.ts'

const SERIAL_BYTES = 16
/** RFC 5280 §4.1.2.2: a positive number. */
const SERIAL_FIRST_BYTE_MASK = 0x7f
const SERIAL_FIRST_BYTE_SET = 0x40

/** The parts of a distinguished name, as MOSIP's key manager writes them. */
export interface DistinguishedName {
  readonly commonName: string
  readonly organisationalUnit?: string
  readonly organisation?: string
  readonly locality?: string
  readonly state?: string
  /** Two letters. */
  readonly country?: string
}

export interface CertificateIssuer {
  /** Undefined: the certificate is self-signed. */
  readonly certificate: Certificate | undefined
  /** RSASSA-PKCS1-v1_5 with SHA-256 by the issuer's key. */
  sign(data: Uint8Array): Awaitable<Uint8Array>
}

export interface CertificateRequest {
  readonly subject: DistinguishedName
  readonly publicKey: RsaPublicKey
  readonly issuer: CertificateIssuer
  /** Milliseconds since the epoch; a certificate counts whole seconds. */
  readonly notBefore: number
  readonly notAfter: number
  readonly ca?: boolean
  /** Only of a CA. */
  readonly pathLength?: number
  readonly keyUsage: readonly KeyUsageName[]
}

/** Issues an X.509 certificate of version 3 (RFC 5280), signed with SHA-256 and RSA. */
export async function issueCertificate(request: CertificateRequest): Promise<Certificate> {
  const { issuer, publicKey } = request
  const spki = Uint8Array.from(publicKey.spki)
  const subject = new Name(jsonName(request.subject))
  const parent = issuer.certificate && certificateFacts(issuer.certificate).x509
  const usages = request.keyUsage.reduce((flags, name) => flags | KeyUsageFlags[name], 0)
  const made = await X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject,
      issuer: parent?.subjectName ?? subject,
      notBefore: new Date(request.notBefore),
      notAfter: new Date(request.notAfter),
      publicKey: spki,
      signingKey: {
        algorithm: { name: 'RSASSA-PKCS1-v1_5', hash: { name: 'SHA-256' } },
      } as unknown as CryptoKey,
      extensions: [
        new BasicConstraintsExtension(request.ca ?? false, request.ca ? request.pathLength : undefined, true),
        new KeyUsagesExtension(usages, true),
        await SubjectKeyIdentifierExtension.create(spki, false, globalThis.crypto),
        await AuthorityKeyIdentifierExtension.create(parent?.publicKey ?? spki, false, globalThis.crypto),
      ],
    },
    signedBy(issuer),
  )
  return parseCertificate(new Uint8Array(made.rawData))
}

/** What the library takes for a WebCrypto: its one signature is made by the issuer's key, wherever that is. */
function signedBy(issuer: CertificateIssuer): Crypto {
  return {
    subtle: {
      sign: async (_algorithm: unknown, _key: unknown, data: ArrayBuffer) =>
        Uint8Array.from(await issuer.sign(new Uint8Array(data))).buffer,
    },
    getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto),
  } as unknown as Crypto
}

function jsonName(name: DistinguishedName): Record<string, string[]>[] {
  const parts: [string, string | undefined][] = [
    ['C', name.country],
    ['ST', name.state],
    ['L', name.locality],
    ['O', name.organisation],
    ['OU', name.organisationalUnit],
    ['CN', name.commonName],
  ]
  return parts.flatMap(([type, value]) => (value === undefined ? [] : [{ [type]: [value] }]))
}

function randomSerial(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(SERIAL_BYTES))
  bytes[0] = (bytes[0]! & SERIAL_FIRST_BYTE_MASK) | SERIAL_FIRST_BYTE_SET
  return toHex(bytes)
}
