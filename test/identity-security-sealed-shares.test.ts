import { backend, fromUtf8, utf8, Writer } from '@keyhaven/crypto'
import { openShare, type ShareBinding, signEncryptionKey, signJwt, signRead } from '@keyhaven/identity'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SEALED_SHARE_SUITE } from '../packages/identity/src/datashare/sealed-share.ts'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import {
  APPLICATION,
  createPartnerFixture,
  MANAGER,
  type PartnerFixture,
  pathOf,
  registerEncryptionKey,
  type TestPartner,
} from './kit/identity-partners.ts'

// Shares of profile keyhaven: the partner signs that it reads; the signature lies inside and names the recipient.

const POLICY = 'mpolicy-default-euin'
const PERSON = utf8('{"fullName":"Invented Person Seven"}')
const PROOF = 'keyhaven-partner-proof'
const HEADER_BYTES = 1 + 1_120
const TRUST_ANYBODY = { trust: () => {} }
describe.each(ENGINES)('shares of profile keyhaven on $name', (engine) => {
  let fixture: PartnerFixture
  let modern: TestPartner
  let privateKey: Awaited<ReturnType<typeof registerEncryptionKey>>
  beforeAll(async () => {
    fixture = await createPartnerFixture(engine)
    const groupId = 'mpolicygroup-default-print'
    modern = await fixture.partner('modern', 'Print_Partner', { groupId, profile: 'keyhaven' })
    await fixture.subscribe('modern', POLICY)
    privateKey = await registerEncryptionKey(fixture, modern)
  })
  afterAll(() => fixture?.dispose())

  const create = (data = PERSON) =>
    fixture.datashare.create({ policyId: POLICY, subscriberId: 'modern', data, actor: 'token:service' })
  const prove = (url: string) =>
    signRead(modern.holder.signer, url, {
      ...{ partnerId: 'modern', nonce: crypto.randomUUID(), issuedAt: fixture.now },
    })
  const read = async (url: string, proof?: string) => {
    const headers = { [PROOF]: proof ?? (await prove(url)) }
    const answer = await fixture.call('GET', pathOf(url), { headers })
    if (answer.status === 200) return { code: '', bytes: new Uint8Array(await answer.arrayBuffer()) }
    return { code: ((await answer.json()) as { code: string }).code, bytes: new Uint8Array() }
  }
  const bindingOf = (url: string): ShareBinding => ({
    ...{ applicationId: APPLICATION, partnerId: 'modern', policyId: POLICY },
    key: decodeURIComponent(pathOf(url).split('/').at(-1)!),
  })

  test('50 signed reads at once give two answers; 50 copies of one signed read give one', async () => {
    const [first, second] = [await create(), await create()]
    const proofs = await Promise.all(Array.from({ length: 50 }, () => prove(first.url)))
    const answers = await Promise.all(proofs.map((proof) => read(first.url, proof)))
    expect(answers.filter(({ code }) => code === '')).toHaveLength(2)
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['', 'SHARE_SPENT']))
    fixture.now += 120_000 // the limit of refused reads is the caller's address's
    const proof = await prove(second.url)
    const copies = await Promise.all(Array.from({ length: 50 }, () => read(second.url, proof)))
    expect(copies.filter(({ code }) => code === '')).toHaveLength(1)
    expect(new Set(copies.map(({ code }) => code))).toEqual(new Set(['', 'REPLAYED']))
    fixture.now += 120_000
  })

  test.each(['null', '7', '"text"', 'no JSON', '[]'])('a proof that says %s is no proof', async (said) => {
    const { url } = await create()
    const proof = await signJwt(modern.holder.signer, said, { x5c: false, x5tS256: true })
    expect((await read(url, proof)).code).toBe('SIGNATURE_INVALID')
  })

  test('cut, flipped or longer a share does not open, and one answer says so', async () => {
    const { url } = await create(utf8('x'.repeat(64)))
    const { bytes } = await read(url)
    const open = (changed: Uint8Array) =>
      openShare(backend, privateKey, changed, bindingOf(url), TRUST_ANYBODY)
    expect((await open(bytes)).data).toHaveLength(64)
    const said = new Set<string>()
    const attempt = (changed: Uint8Array) =>
      open(changed).then(
        () => said.add('opened'),
        (error: Error & { code: string }) => said.add(`${error.code} ${error.message}`),
      )
    for (let place = 1; place < bytes.length; place += 41) {
      await attempt(bytes.map((byte, index) => (index === place ? byte ^ 0x10 : byte)))
    }
    for (const end of [HEADER_BYTES, HEADER_BYTES + 15, HEADER_BYTES + 16, bytes.length - 1])
      await attempt(bytes.slice(0, end))
    await attempt(Uint8Array.of(...bytes, 0))
    const other = await create(utf8('y'.repeat(64)))
    const { bytes: theirs } = await read(other.url)
    await attempt(Uint8Array.of(...bytes.slice(0, HEADER_BYTES), ...theirs.slice(HEADER_BYTES)))
    await attempt(theirs)
    expect([...said]).toHaveLength(1)
    expect([...said][0]).toMatch(/^OPEN_FAILED /)
  })

  test('the data’s signature names the recipient: who was given it cannot hand it on as if it were theirs', async () => {
    const { url } = await create()
    const { bytes } = await read(url)
    const mine = bindingOf(url)
    const { signer } = fixture.services
    // What lies inside, as its recipient sees it, sealed anew for somebody else.
    const victim = await backend.kem.generateKeyPair('x-wing')
    const opened = await openShare(backend, privateKey, bytes, mine, TRUST_ANYBODY)
    const inside = await insideOf(bytes, mine)
    const handOn = async (binding: ShareBinding, signature: Uint8Array, data: Uint8Array) => {
      const info = infoOf(binding)
      const sender = await backend.hpke.setupSender(SEALED_SHARE_SUITE, victim.publicKey, info)
      const plaintext = new Writer().bytes16(signature).bytes(data).done()
      const sealed = await sender.seal(plaintext, new Uint8Array())
      const share = new Writer().u8(1).bytes(sender.enc).bytes(sealed).done()
      return codeOf(openShare(backend, victim.privateKey, share, binding, TRUST_ANYBODY))
    }
    const theirs = { ...mine, partnerId: 'victim' }
    expect(await handOn(theirs, inside, opened.data)).toBe('SIGNATURE_INVALID')
    expect(await handOn(mine, inside, opened.data)).toBe('SIGNATURE_INVALID')
    const claims = {
      ...theirs,
      recipientKey: await digest(victim.publicKey.bytes),
      digest: await digest(PERSON),
    }
    const forged = (by: typeof claims) =>
      signer().then(async (own) => utf8(await signJwt(own, JSON.stringify(by))))
    expect(await handOn(theirs, await forged(claims), PERSON)).toBe('done')
    for (const change of [
      { partnerId: 'modern' },
      { policyId: 'another' },
      { applicationId: 'another' },
      { key: 'another' },
      { recipientKey: await digest(privateKey.publicKey.bytes) },
      { digest: await digest(utf8('another')) },
    ]) {
      const signature = await forged({ ...claims, ...change })
      expect([change, await handOn(theirs, signature, PERSON)]).toEqual([change, 'SIGNATURE_INVALID'])
    }
  })

  const digest = async (data: Uint8Array) => Buffer.from(await backend.sha256(data)).toString('base64url')
  const infoOf = (binding: ShareBinding) => {
    const writer = new Writer().bytes(utf8('keyhaven share v1'))
    const { applicationId, partnerId, policyId, key } = binding
    for (const text of [applicationId, partnerId, policyId, key]) writer.bytes16(utf8(text))
    return writer.done()
  }
  const insideOf = async (bytes: Uint8Array, binding: ShareBinding) => {
    const enc = bytes.slice(1, HEADER_BYTES)
    const recipient = await backend.hpke.setupRecipient(SEALED_SHARE_SUITE, privateKey, enc, infoOf(binding))
    const plaintext = await recipient.open(bytes.slice(HEADER_BYTES), new Uint8Array())
    const length = (plaintext[0]! << 8) | plaintext[1]!
    expect(fromUtf8(plaintext.slice(2, 2 + length)).split('.')).toHaveLength(3)
    return plaintext.slice(2, 2 + length)
  }

  test('the key of a certificate signs each kind of statement for itself alone', async () => {
    const { url } = await create()
    const pair = await backend.kem.generateKeyPair('x-wing')
    const statement = await signEncryptionKey(modern.holder.signer, 'modern', pair.publicKey.bytes)
    expect((await read(url, statement)).code).toBe('SIGNATURE_INVALID')
    const proof = await signRead(modern.holder.signer, url, {
      ...{ partnerId: 'modern', nonce: crypto.randomUUID(), issuedAt: fixture.now },
    })
    const { partners } = fixture.services
    expect(await codeOf(partners.setEncryptionKey('modern', proof, MANAGER))).toBe('SIGNATURE_INVALID')
    // All but the purpose is right.
    const sign = (payload: object) => signJwt(modern.holder.signer, JSON.stringify(payload))
    const jti = crypto.randomUUID()
    const call = { htm: 'GET', htu: url, sub: 'modern', jti, iat: Math.floor(fixture.now / 1_000) }
    const key = Buffer.from(pair.publicKey.bytes).toString('base64url')
    const named = { partner: 'modern', kem: 'x-wing', key }
    const [reads, encrypts] = ['keyhaven share read v1', 'keyhaven partner encryption key v1']
    expect((await read(url, await sign({ ...call, purpose: encrypts }))).code).toBe('SIGNATURE_INVALID')
    expect((await read(url, await sign({ ...call, purpose: reads }))).code).toBe('')
    const set = async (purpose: string) =>
      codeOf(partners.setEncryptionKey('modern', await sign({ ...named, purpose }), MANAGER))
    expect([await set(reads), await set(encrypts)]).toEqual(['SIGNATURE_INVALID', 'done'])
    const another = await signEncryptionKey(modern.holder.signer, 'another', pair.publicKey.bytes)
    expect(await codeOf(partners.setEncryptionKey('modern', another, MANAGER))).toBe('SIGNATURE_INVALID')
  })
})
