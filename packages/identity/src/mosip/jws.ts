import {
  type Awaitable,
  type CryptoBackend,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  toBase64,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import type { Certificate } from '../x509/certificate.ts'
import { parseCertificateText } from '../x509/parse-certificate.ts'

const RS256 = 'RS256'
const JWS_PARTS = 3
const MAX_HEADER_CHARACTERS = 65_536
const MAX_CHAIN_CERTIFICATES = 8

/** A signing key with its certificate. */
export interface JwsSigner {
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  sign(data: Uint8Array): Awaitable<Uint8Array>
  readonly certificate: Certificate
  /** What stands behind the certificate in `x5c`, issuer first; default: nothing. */
  readonly chain?: readonly Certificate[]
}

/** Header members beside `alg`, as MOSIP's key manager can be asked for them. */
export interface JwsHeaderOptions {
  /** The certificate and its chain, standard Base64 of DER; default true. */
  readonly x5c?: boolean
  /** SHA-256 of the certificate; default false. */
  readonly x5tS256?: boolean
  /** SHA-256 of the certificate again, under the name `kid`; default true. */
  readonly kid?: boolean
  /** Stands before the `kid`. */
  readonly kidPrefix?: string
  /** Where the certificate can be fetched. */
  readonly x5u?: string
  /**
   * What the signature is for (RFC 8725 §3.11). The key manager signs whatever its callers give it, and never
   * with a type: so none of them can make what a key of ours says in our own name.
   */
  readonly typ?: string
  /** Of IDA's answers: see `requestDigest`. */
  readonly req?: string
}

/** Who vouches for a signature's certificate. There is no way to leave it out. */
export interface JwsTrust {
  /**
   * Accepts the certificates of the signature, the signer's first, or throws, for example by `verifyChain`.
   */
  trust(certificates: readonly [Certificate, ...Certificate[]]): Awaitable<void>
  /** For a signature without `x5c`. */
  readonly certificate?: Certificate | undefined
  /** What the signature must be for, where its kind has a name: any other is refused. */
  readonly typ?: string
}

export interface VerifiedJws {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Uint8Array
  /** What the signature is over: JWS Signing Input (RFC 7515 §5.1). */
  readonly signingInput: Uint8Array
  readonly certificate: Certificate
}

/** A compact JWS with its payload in it (RFC 7515 §7.1). */
export async function signJwt(
  signer: JwsSigner,
  payload: Uint8Array | string,
  options: JwsHeaderOptions = {},
): Promise<string> {
  const { header, body, signature } = await signed(signer, payload, options)
  return `${header}.${body}.${signature}`
}

/** A detached JWS: HEADER..SIGNATURE, the payload encoded as ever (RFC 7515 Appendix F). */
export async function signDetachedJws(
  signer: JwsSigner,
  payload: Uint8Array | string,
  options: JwsHeaderOptions = {},
): Promise<string> {
  const { header, signature } = await signed(signer, payload, options)
  return `${header}..${signature}`
}

async function signed(signer: JwsSigner, payload: Uint8Array | string, options: JwsHeaderOptions) {
  const header = toBase64url(utf8(JSON.stringify(headerOf(signer, options))))
  const body = toBase64url(typeof payload === 'string' ? utf8(payload) : payload)
  const signature = toBase64url(await signer.sign(utf8(`${header}.${body}`)))
  return { header, body, signature }
}

function headerOf({ certificate, chain = [] }: JwsSigner, options: JwsHeaderOptions): object {
  const thumbprint = toBase64url(certificate.thumbprint)
  return {
    alg: RS256,
    ...(options.typ !== undefined && { typ: options.typ }),
    ...(options.req !== undefined && { req: options.req }),
    ...(options.x5c !== false && { x5c: [certificate, ...chain].map(({ der }) => toBase64(der)) }),
    ...(options.x5tS256 && { 'x5t#S256': thumbprint }),
    ...(options.x5u !== undefined && { x5u: options.x5u }),
    ...(options.kid !== false && { kid: `${options.kidPrefix ?? ''}${thumbprint}` }),
  }
}

/**
 * Verifies a compact JWS. The certificate is the first of `x5c`, else the given one.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` on anything malformed or wrong; what `trust` throws.
 */
export async function verifyJwt(backend: CryptoBackend, jws: string, trust: JwsTrust): Promise<VerifiedJws> {
  const [header, payload, signature] = split(jws)
  if (payload === '') throw invalid()
  const bytes = decoded(() => fromBase64url(payload))
  return verified(backend, header, { bytes, encoded: payload }, signature, trust)
}

/** Verifies a detached JWS over a payload that came beside it. Throws as {@link verifyJwt}. */
export async function verifyDetachedJws(
  backend: CryptoBackend,
  jws: string,
  payload: Uint8Array | string,
  trust: JwsTrust,
): Promise<VerifiedJws> {
  const [header, none, signature] = split(jws)
  if (none !== '') throw invalid()
  const bytes = typeof payload === 'string' ? utf8(payload) : payload
  return verified(backend, header, { bytes, encoded: toBase64url(bytes) }, signature, trust)
}

/**
 * The protected header, not verified: use it only to find the certificate to verify with.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` on anything malformed or another algorithm than RS256.
 */
export function readJwsHeader(jws: string): Readonly<Record<string, unknown>> {
  return readHeader(split(jws)[0])
}

async function verified(
  backend: CryptoBackend,
  headerText: string,
  payload: { readonly bytes: Uint8Array; readonly encoded: string },
  signatureText: string,
  { trust, certificate: given, typ }: JwsTrust,
): Promise<VerifiedJws> {
  const header = readHeader(headerText)
  if (typ !== undefined && header.typ !== typ) throw invalid()
  const certificates = certificatesOf(header)
  const certificate = certificates[0] ?? given
  if (certificate === undefined) throw invalid()
  const named = header['x5t#S256']
  if (named !== undefined && named !== toBase64url(certificate.thumbprint)) throw invalid()
  const signature = decoded(() => fromBase64url(signatureText))
  const signingInput = utf8(`${headerText}.${payload.encoded}`)
  if (!(await isSignedBy(backend, certificate, signature, signingInput))) throw invalid()
  await trust([certificate, ...certificates.slice(1)])
  return { header, payload: payload.bytes, signingInput, certificate }
}

async function isSignedBy(
  backend: CryptoBackend,
  certificate: Certificate,
  signature: Uint8Array,
  input: Uint8Array,
): Promise<boolean> {
  try {
    return await backend.rsa.verifyPkcs1(certificate.publicKey, signature, input)
  } catch {
    return false // no RSA key, or one of a size that is not accepted
  }
}

function split(jws: string): [header: string, payload: string, signature: string] {
  const parts = jws.split('.', JWS_PARTS + 1)
  if (parts.length !== JWS_PARTS || parts[0]!.length > MAX_HEADER_CHARACTERS) throw invalid()
  return parts as [string, string, string]
}

function readHeader(text: string): Readonly<Record<string, unknown>> {
  const header: unknown = decoded(() => JSON.parse(fromUtf8(fromBase64url(text))))
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw invalid()
  const members = header as Record<string, unknown>
  // RFC 7515 §4.1.11: no extension is understood; RFC 7797: the payload is always encoded.
  if (members.alg !== RS256 || 'crit' in members || members.b64 === false) throw invalid()
  return members
}

function certificatesOf({ x5c }: Readonly<Record<string, unknown>>): Certificate[] {
  if (x5c === undefined) return []
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > MAX_CHAIN_CERTIFICATES) throw invalid()
  return x5c.map((text: unknown) => {
    if (typeof text !== 'string') throw invalid()
    return decoded(() => parseCertificateText(text))
  })
}

function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch {
    throw invalid()
  }
}

function invalid(): KeyhavenError {
  return new KeyhavenError('SIGNATURE_INVALID', 'the signature is not valid')
}
