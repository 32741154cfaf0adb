import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import type { Jwk, KemPrivateKey, KemPublicKey, SigningKey, VerifyKey } from '@keyhaven/crypto'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { readFileOf } from './packet-inputs.ts'
import { readPrivateKey } from './packet-key-files.ts'

const KEM = 'x-wing'
const SEED_BYTES = 32
const MACHINE_ADVICE =
  'Give an Ed25519 or RSA key as PEM, DER or JWK: `openssl genpkey -algorithm ed25519 -out machine.pem` makes one.'

/** What a machine signs packets of the profile `keyhaven` with. */
export async function readSigningKey(context: Context, file: string): Promise<SigningKey> {
  const { backend } = await import('@keyhaven/crypto')
  const jwk = await readJwk(context, file, readPrivateKey)
  return refuse(`${file} is not a private key of a machine`, MACHINE_ADVICE, async () =>
    backend.signatures.importSigningKey(algorithmOf(jwk), jwk),
  )
}

/** Its public part, by which packets are checked. */
export async function readVerifyKey(context: Context, file: string): Promise<VerifyKey> {
  const { backend } = await import('@keyhaven/crypto')
  const jwk = await readJwk(context, file, readPublicKey)
  return refuse(`${file} is not a public key of a machine`, MACHINE_ADVICE, async () =>
    backend.signatures.importVerifyKey(algorithmOf(jwk), jwk),
  )
}

/** The X-Wing key of a station: alone, in Base64url, or in what the server answers a station. */
export async function readStationKey(context: Context, file: string): Promise<KemPublicKey> {
  const { backend, fromBase64url } = await import('@keyhaven/crypto')
  const text = await readText(context, file)
  return refuse(
    `${file} holds no packet key of a station`,
    'Give what GET /v1/identity/machines/CENTRE_MACHINE answers on the identity listener, in profile keyhaven.',
    async () => {
      const key = text.startsWith('{') ? (JSON.parse(text) as { packetKey?: unknown }).packetKey : text
      return backend.kem.importPublicKey(KEM, fromBase64url(String(key)))
    },
  )
}

/** Opens packets: the 32 bytes of an X-Wing private key, in Base64url. A server never gives its own out. */
export async function readPacketKey(context: Context, file: string): Promise<KemPrivateKey> {
  const { backend, fromBase64url } = await import('@keyhaven/crypto')
  const text = await readText(context, file)
  return refuse(
    `${file} is not an X-Wing private key`,
    `Give its ${SEED_BYTES} bytes in Base64url: of a key of your own tests, as a server gives its keys to nobody.`,
    async () => backend.kem.importPrivateKey(KEM, fromBase64url(text)),
  )
}

/** A key in any form, as a JWK. */
async function readJwk(context: Context, file: string, parse: (bytes: Buffer) => KeyObject): Promise<Jwk> {
  const bytes = Buffer.from(await readFileOf(resolve(context.cwd, file), file))
  return refuse(`${file} is not a key of a machine`, MACHINE_ADVICE, async () => {
    const text = bytes.toString('latin1').trim()
    return (text.startsWith('{') ? JSON.parse(text) : parse(bytes).export({ format: 'jwk' })) as Jwk
  })
}

/** SubjectPublicKeyInfo; of a private key its public part. */
export function readPublicKey(bytes: Buffer): KeyObject {
  if (bytes.toString('latin1').includes('-----BEGIN')) {
    return createPublicKey(bytes.includes('PRIVATE KEY') ? createPrivateKey(bytes) : bytes)
  }
  return createPublicKey({ key: bytes, format: 'der', type: 'spki' })
}

function algorithmOf({ kty }: Jwk): 'EdDSA' | 'PS256' {
  return kty === 'RSA' ? 'PS256' : 'EdDSA'
}

async function readText(context: Context, file: string): Promise<string> {
  return Buffer.from(await readFileOf(resolve(context.cwd, file), file))
    .toString('latin1')
    .trim()
}

async function refuse<T>(what: string, advice: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch {
    throw usageError(what, advice)
  }
}
