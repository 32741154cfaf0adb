import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** PEM texts of a certificate for 127.0.0.1 and localhost, and of its key. */
export interface Certificate {
  readonly certificate: string
  readonly privateKey: string
}

const LIFETIME_DAYS = 30
const DAY_MS = 86_400_000

/**
 * A self-signed ECDSA P-256 certificate (RFC 5280), so that tests need no openssl program. It can also sign
 * others.
 *
 * @param commonName - of subject and issuer; what an authority signs must have another one.
 */
export function selfSignedCertificate(commonName = 'localhost', now = Date.now()): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const name = sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, ascii(commonName)))))
  const algorithm = sequence(oid('2a8648ce3d040302')) // ecdsa-with-SHA256
  // subjectAltName: iPAddress 127.0.0.1, dNSName localhost
  const names = sequence(tagged(0x87, Buffer.from([127, 0, 0, 1])), tagged(0x82, ascii('localhost')))
  const basic = sequence(tagged(0x01, Buffer.from([0xff]))) // cA
  const extensions = sequence(
    sequence(oid('551d11'), tagged(0x04, names)),
    sequence(oid('551d13'), tagged(0x04, basic)),
  )
  const signed = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(now - DAY_MS), time(now + LIFETIME_DAYS * DAY_MS)),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    tagged(0xa3, extensions),
  )
  const signature = sign('sha256', signed, privateKey)
  const certificate = sequence(signed, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])))
  return {
    certificate: pem('CERTIFICATE', certificate),
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  }
}

// DER (X.690 §8): tag, length, content.
function tagged(tag: number, content: Uint8Array): Buffer {
  const length = content.length
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
function sequence(...parts: Uint8Array[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}
function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'))
}
function integer(bytes: Uint8Array): Buffer {
  return tagged(0x02, bytes)
}
function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
/** GeneralizedTime, UTC. */
function time(ms: number): Buffer {
  return tagged(0x18, ascii(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')))
}
function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)!
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
