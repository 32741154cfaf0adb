import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Certificate,
  type ChainExpectation,
  certificateToPem,
  issueCertificate,
  parseCertificate,
  parseCertificates,
  verifyChain,
} from '../src/index.ts'
import { SMALL_KEY_PKCS8, type TestHolder, testHolder } from './kit/test-keys.ts'

const run = promisify(execFile)
const DAY_MS = 86_400_000
const NOW = Date.now()

let root: TestHolder
let sub: TestHolder
let leaf: TestHolder
beforeAll(async () => {
  root = await testHolder(0, { ca: true, subject: { commonName: 'Invented root', country: 'XX' } })
  sub = await testHolder(1, { ca: true, issuedBy: root, subject: { commonName: 'Invented sub' } })
  leaf = await testHolder(2, { issuedBy: sub })
})

const expected = (over: Partial<ChainExpectation> = {}): ChainExpectation => ({
  intermediates: [sub.certificate],
  anchors: [root.certificate],
  ...{ at: NOW, revoked: () => false, usage: 'sign' },
  ...over,
})
const refused = async (certificate: Certificate, over: Partial<ChainExpectation>, reason: RegExp) => {
  await expect(verifyChain(certificate, expected(over))).rejects.toMatchObject({
    code: 'CERTIFICATE_INVALID',
    message: expect.stringMatching(reason),
  })
}

describe('certificates', () => {
  test('openssl reads them and finds the same chain', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyhaven-x509-'))
    try {
      const file = async (name: string, certificate: Certificate) => {
        await writeFile(join(folder, name), certificateToPem(certificate))
        return join(folder, name)
      }
      const [rootFile, subFile, leafFile] = [
        await file('root.pem', root.certificate),
        await file('sub.pem', sub.certificate),
        await file('leaf.pem', leaf.certificate),
      ]
      const strict = ['verify', '-x509_strict', '-CAfile', rootFile, '-untrusted', subFile, leafFile]
      expect((await run('openssl', strict)).stdout).toContain('leaf.pem: OK')
      const shown = await run('openssl', [
        'x509',
        '-in',
        leafFile,
        '-noout',
        '-text',
        '-fingerprint',
        '-sha256',
      ])
      expect(shown.stdout).toContain('Issuer: CN = Invented sub')
      expect(shown.stdout).toContain('Digital Signature, Key Encipherment, Data Encipherment')
      const thumbprint = Buffer.from(leaf.certificate.thumbprint).toString('hex').toUpperCase()
      expect(shown.stdout.replaceAll(':', '')).toContain(thumbprint)
      await expect(run('openssl', ['verify', '-CAfile', rootFile, leafFile])).rejects.toThrow()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('one that openssl made is read, and its chain found', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyhaven-x509-'))
    try {
      const made = join(folder, 'made.pem')
      const subject = '/C=XX/O=Invented organisation/CN=made by openssl'
      const options = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key.pem')]
      await run('openssl', [
        'req',
        '-x509',
        ...options,
        '-sha384',
        '-days',
        '30',
        '-subj',
        subject,
        '-out',
        made,
      ])
      const pem = (await run('cat', [made])).stdout
      const certificate = parseCertificate(pem)
      expect(certificate).toMatchObject({
        ...{ commonName: 'made by openssl', organisations: ['Invented organisation'], isCa: true },
        publicKey: { modulusBits: 2_048 },
      })
      const at = Date.now() + 1_000
      expect(await verifyChain(certificate, expected({ anchors: [certificate], at }))).toEqual([certificate])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('are parsed once, from DER or PEM', () => {
    const { certificate } = leaf
    expect(parseCertificate(certificate.der)).toBe(certificate)
    expect(parseCertificate(certificateToPem(certificate))).toBe(certificate)
    expect(parseCertificates(certificateToPem(certificate) + certificateToPem(sub.certificate))).toEqual([
      certificate,
      sub.certificate,
    ])
  })

  test('cut, lengthened or of something else they are refused', () => {
    const { der } = leaf.certificate
    for (const bytes of [
      ...[0, 1, 4, 100, der.length - 1].map((length) => der.subarray(0, length)),
      Uint8Array.of(...der, 0),
      // The same certificate with its outermost length in three bytes, not two.
      Uint8Array.of(0x30, 0x83, 0, ...der.subarray(2)),
      // And with another algorithm outside than inside.
      der.map((byte, at) => (at === der.lastIndexOf(0x05, der.length - 258) ? 0x04 : byte)),
      new Uint8Array(20_000),
      'no PEM',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    ]) {
      expect(() => parseCertificate(bytes)).toThrow(expect.objectContaining({ code: 'CERTIFICATE_INVALID' }))
    }
  })
})

describe('a chain', () => {
  test('is found through intermediates, or ends at once at an anchor', async () => {
    expect(await verifyChain(leaf.certificate, expected())).toEqual([
      leaf.certificate,
      sub.certificate,
      root.certificate,
    ])
    expect(await verifyChain(leaf.certificate, expected({ anchors: [leaf.certificate] }))).toHaveLength(1)
    expect(await verifyChain(leaf.certificate, expected({ anchors: [sub.certificate] }))).toHaveLength(2)
  })

  test('without its intermediate, or to another root of the same name, is none', async () => {
    await refused(leaf.certificate, { intermediates: [] }, /no chain/)
    const impostor = await testHolder(3, {
      ca: true,
      subject: { commonName: 'Invented root', country: 'XX' },
    })
    await refused(leaf.certificate, { anchors: [impostor.certificate] }, /no chain/)
    await refused(leaf.certificate, { anchors: [] }, /no chain/)
  })

  test('is refused before and after the dates of each of its certificates', async () => {
    await refused(leaf.certificate, { at: NOW - 2 * DAY_MS }, /not valid yet/)
    await refused(leaf.certificate, { at: NOW + 366 * DAY_MS }, /expired/)
    const short = await testHolder(4, { ca: true, issuedBy: root, notAfter: NOW + DAY_MS })
    const below = await testHolder(5, { issuedBy: short })
    const over = { intermediates: [short.certificate] }
    expect(await verifyChain(below.certificate, expected(over))).toHaveLength(3)
    await refused(below.certificate, { ...over, at: NOW + 2 * DAY_MS }, /expired/)
  })

  test('is refused if any of its certificates was revoked, also the anchor', async () => {
    for (const revoked of [leaf, sub, root]) {
      const over = { revoked: (certificate: Certificate) => certificate === revoked.certificate }
      await refused(leaf.certificate, over, /revoked/)
    }
  })

  test('is refused if a key is too small', async () => {
    const { createPublicKey, createPrivateKey } = await import('node:crypto')
    const key = createPrivateKey({ key: SMALL_KEY_PKCS8, format: 'der', type: 'pkcs8' })
    const spki = createPublicKey(key as never).export({ format: 'der', type: 'spki' })
    const small = await issueCertificate({
      subject: { commonName: 'small' },
      publicKey: { modulusBits: 1_024, spki: Uint8Array.from(spki) },
      issuer: { certificate: root.certificate, sign: (data) => root.signer.sign(data) },
      ...{ notBefore: NOW - DAY_MS, notAfter: NOW + DAY_MS, keyUsage: ['digitalSignature'] },
    })
    expect(small.publicKey.modulusBits).toBe(1_024)
    await refused(small, {}, /2048 bits/)
    await refused(leaf.certificate, { minRsaBits: 3_072 }, /3072 bits/)
  })

  test('is refused for a use that the certificate does not name', async () => {
    const signs = await testHolder(6, { issuedBy: sub, keyUsage: ['digitalSignature'] })
    const encrypts = await testHolder(7, { issuedBy: sub, keyUsage: ['keyEncipherment'] })
    expect(await verifyChain(signs.certificate, expected({ usage: 'sign' }))).toHaveLength(3)
    expect(await verifyChain(encrypts.certificate, expected({ usage: 'encrypt' }))).toHaveLength(3)
    await refused(signs.certificate, { usage: 'encrypt' }, /not meant to encrypt/)
    await refused(encrypts.certificate, { usage: 'sign' }, /not meant to sign/)
    await refused(signs.certificate, { usage: 'issue' }, /not meant to issue/)
  })

  test('does not go through a certificate that is no authority’s', async () => {
    const below = await testHolder(8, { issuedBy: leaf })
    await refused(
      below.certificate,
      { intermediates: [leaf.certificate, sub.certificate] },
      /not meant to issue/,
    )
    const noCa = await testHolder(9, { issuedBy: root, keyUsage: ['keyCertSign'] })
    const under = await testHolder(10, { issuedBy: noCa })
    await refused(under.certificate, { intermediates: [noCa.certificate] }, /not an authority/)
  })

  test('is no longer than its authorities allow', async () => {
    const narrow = await testHolder(11, { ca: true, issuedBy: root, pathLength: 0 })
    const direct = await testHolder(12, { issuedBy: narrow })
    const between = await testHolder(13, { ca: true, issuedBy: narrow })
    const deep = await testHolder(14, { issuedBy: between })
    const intermediates = [narrow.certificate, between.certificate]
    expect(await verifyChain(direct.certificate, expected({ intermediates }))).toHaveLength(3)
    await refused(deep.certificate, { intermediates }, /too far above/)
  })

  test('whose signature was changed is refused, also after the good one was seen', async () => {
    await verifyChain(leaf.certificate, expected())
    const der = Uint8Array.from(leaf.certificate.der)
    der[der.length - 1]! ^= 1
    await refused(parseCertificate(der), {}, /no chain/)
    // A byte of the subject's key.
    const changed = Uint8Array.from(leaf.certificate.der)
    const key = Buffer.from(leaf.certificate.publicKey.spki)
    changed[Buffer.from(changed).indexOf(key) + key.length - 20]! ^= 1
    await refused(parseCertificate(changed), {}, /no chain/)
  })

  test('with a critical extension that is not understood is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyhaven-x509-'))
    try {
      const made = join(folder, 'made.pem')
      const options = [
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        join(folder, 'key.pem'),
        '-subj',
        '/CN=critical',
      ]
      const extension = ['-addext', 'nameConstraints=critical,permitted;DNS:example']
      await run('openssl', ['req', '-x509', ...options, ...extension, '-days', '30', '-out', made])
      const certificate = parseCertificate((await run('cat', [made])).stdout)
      await refused(certificate, { anchors: [certificate], at: Date.now() + 1_000 }, /2\.5\.29\.30/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
