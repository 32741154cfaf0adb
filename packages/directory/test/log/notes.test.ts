import { backend, fromBase64, fromBase64url, toBase64, toBase64url } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { webBackend } from '@keyhaven/crypto/web'
import { describe, expect, test } from 'vitest'
import {
  createNoteSigner,
  createVerifierKey,
  formatVerifierKey,
  MAX_NOTE_CHARACTERS,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signNote,
  type VerifierKey,
  verifyNote,
} from '../../src/log/index.ts'
import { vectors } from './log-kit.ts'

interface NoteVector {
  readonly name: string
  readonly vkey: string | null
  readonly skey?: string
  readonly note: string
}

const VECTORS = vectors<NoteVector[]>('signed-note/signed-note.json')
const SIGNED = VECTORS.filter((vector) => vector.vkey !== null) as readonly (NoteVector & { vkey: string })[]
const TEXT = 'a text\n\nwith an empty line\n'
const INVALID = { code: 'SIGNATURE_INVALID' }

async function signerOf(name: string, type: 'ed25519' | 'cosignature' = 'ed25519') {
  return createNoteSigner(backend, name, type, await backend.signatures.generateKeyPair('EdDSA'))
}

const signer = await signerOf('example.com/log')
const other = await signerOf('example.com/other')
const note = await signNote(backend, TEXT, [signer, other])
const keys = [signer.verifier, other.verifier]

describe('signed-note vectors', () => {
  test.each(SIGNED)('$name: verifies, and the verifier key is written as it was', async (vector) => {
    for (const each of [backend, webBackend, nobleBackend]) {
      const key = await parseVerifierKey(each, vector.vkey)
      expect(formatVerifierKey(key)).toBe(vector.vkey)
      const { text, signatures } = await verifyNote(each, vector.note, [key])
      expect(vector.note.startsWith(`${text}\n— ${key.name} `)).toBe(true)
      expect(signatures).toHaveLength(1)
    }
  })

  test.each(VECTORS)('$name: can be taken apart', (vector) => {
    const { text, signatures } = parseNote(vector.note)
    expect(signatures.length).toBe(vector.note.split('\n— ').length - 1)
    if (vector.name.startsWith('tlog')) {
      expect(parseCheckpoint(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163 })
    }
  })

  test('the same note from the private key of golang/mod', async () => {
    const vector = VECTORS.find((item) => item.skey)!
    const [, name, base64] = /^PRIVATE\+KEY\+([^+]+)\+[0-9a-f]{8}\+(.+)$/.exec(
      vector.skey!,
    ) as unknown as string[]
    const d = toBase64url(fromBase64(base64!).subarray(1))
    const { x } = (await parseVerifierKey(backend, vector.vkey!)).verifyKey.jwk
    const key = await backend.signatures.importSigningKey('EdDSA', { kty: 'OKP', crv: 'Ed25519', x, d })
    const made = await createNoteSigner(backend, name!, 'ed25519', key)
    expect(await signNote(backend, parseNote(vector.note).text, [made])).toBe(vector.note)
  })
})

describe('notes', () => {
  test('give the text and who signed it; unknown keys are ignored', async () => {
    expect((await verifyNote(backend, note, keys)).text).toBe(TEXT)
    expect((await verifyNote(backend, note, keys)).signatures.map(({ key }) => key.name)).toEqual([
      'example.com/log',
      'example.com/other',
    ])
    expect((await verifyNote(backend, note, [other.verifier])).signatures).toHaveLength(1)
    const third = await signerOf('example.com/third')
    await expect(verifyNote(backend, note, [third.verifier])).rejects.toMatchObject(INVALID)
    await expect(verifyNote(backend, note, [])).rejects.toMatchObject(INVALID)
  })

  test('a key under the same name and id is not enough', async () => {
    const impostor = await backend.signatures.generateKeyPair('EdDSA')
    const fake: VerifierKey = { ...signer.verifier, verifyKey: impostor.publicKey }
    await expect(verifyNote(backend, note, [fake])).rejects.toMatchObject(INVALID)
  })

  test('a signature under another name with the same id is of another key', async () => {
    const renamed = note.replace('— example.com/log ', '— example.com/lag ')
    expect((await verifyNote(backend, renamed, keys)).signatures.map(({ key }) => key)).toEqual([
      other.verifier,
    ])
    await expect(verifyNote(backend, renamed, [signer.verifier])).rejects.toMatchObject(INVALID)
  })

  test('with one wrong signature of a known key are refused as a whole', async () => {
    const changed = note.replace('a text', 'a tExt')
    await expect(verifyNote(backend, changed, keys)).rejects.toMatchObject(INVALID)
    const [first, second] = note.slice(TEXT.length + 1).split('\n') as [string, string]
    const swapped = `${TEXT}\n${first}\n${second.slice(0, -8)}AAAAAA==\n`
    await expect(verifyNote(backend, swapped, keys)).rejects.toMatchObject(INVALID)
  })

  test('each changed character is refused', async () => {
    for (let at = 0; at < note.length; at++) {
      const changed = note.slice(0, at) + (note[at] === 'A' ? 'B' : 'A') + note.slice(at + 1)
      const verified = await verifyNote(backend, changed, keys).catch((error) => error)
      // A changed name or key id makes a signature unknown; the other one still stands.
      if (!(verified instanceof Error)) expect(verified.text).toBe(TEXT)
      else expect(['SIGNATURE_INVALID', 'WIRE_MALFORMED']).toContain((verified as { code?: string }).code)
      const strict = await verifyNote(backend, changed, [signer.verifier]).catch((error) => error)
      if (!(strict instanceof Error)) expect(strict.text).toBe(TEXT)
    }
  })

  test.each([
    '',
    'text',
    'text\n',
    'text\n\n',
    'text\n\n\n',
    '— name AAAAAAA=\n',
    'text\n— name AAAAAAA=\n',
    'text\n\n— name AAAAAAA=',
    'text\n\n- name AAAAAAA=\n',
    'text\n\n—name AAAAAAA=\n',
    'text\n\n— name  AAAAAAA=\n',
    'text\n\n— name AAAAAAA= \n',
    'text\n\n— na+me AAAAAAA=\n',
    'text\n\n— na\u00a0me AAAAAAA=\n',
    'text\n\n—  AAAAAAA=\n',
    'text\n\n— name AAAAAA==\n',
    'text\n\n— name AAAAAAA\n',
    'text\n\n— name AAAAAAB=\n',
    'text\n\n— name AAAAAA_=\n',
    'text\n\n— name AAAAAAA=\n— name\n',
    'te\u0000xt\n\n— name AAAAAAA=\n',
    'te\rxt\n\n— name AAAAAAA=\n',
    'te\txt\n\n— name AAAAAAA=\n',
    'te\ud800xt\n\n— name AAAAAAA=\n',
  ])('refuses %j', (text) => {
    expect(() => parseNote(text)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  })

  test('limits', () => {
    const tooLarge = expect.objectContaining({ code: 'WIRE_TOO_LARGE' })
    const line = '— name AAAAAAA=\n'
    expect(parseNote(`text\n\n${line.repeat(64)}`).signatures).toHaveLength(64)
    expect(() => parseNote(`text\n\n${line.repeat(65)}`)).toThrow(tooLarge)
    expect(() => parseNote(`${'x'.repeat(MAX_NOTE_CHARACTERS)}\n\n${line}`)).toThrow(tooLarge)
  })

  test('a text without a newline at its end, or with control characters, is not signed', async () => {
    for (const text of ['', 'text', 'te\rxt\n', 'te\ud800xt\n']) {
      await expect(signNote(backend, text, [signer])).rejects.toThrow(TypeError)
    }
    await expect(signNote(backend, 'text\n', [])).rejects.toThrow(TypeError)
    const witness = await signerOf('w', 'cosignature')
    await expect(signNote(backend, 'text\n', [witness])).rejects.toThrow(TypeError)
  })
})

describe('verifier keys', () => {
  const vkey = formatVerifierKey(signer.verifier)

  test('round trip, with an id of its own for each type', async () => {
    expect(await parseVerifierKey(backend, vkey)).toMatchObject({ name: 'example.com/log', type: 'ed25519' })
    const witness = await createVerifierKey(backend, 'example.com/log', 'cosignature', signer.key.publicKey)
    expect(witness.keyId).not.toBe(signer.verifier.keyId)
    expect(await parseVerifierKey(backend, formatVerifierKey(witness))).toMatchObject({ type: 'cosignature' })
  })

  test('each changed or missing character is refused', async () => {
    for (let at = 0; at < vkey.length; at++) {
      const changed = vkey.slice(0, at) + (vkey[at] === 'B' ? 'C' : 'B') + vkey.slice(at + 1)
      for (const text of [changed, vkey.slice(0, at), vkey.slice(0, at) + vkey.slice(at + 1)]) {
        const refused = expect.objectContaining({
          code: expect.stringMatching(/^(WIRE_MALFORMED|UNSUPPORTED)$/),
        })
        await expect(parseVerifierKey(backend, text), text).rejects.toEqual(refused)
      }
    }
    for (const text of [
      `${vkey}+`,
      `${vkey}=`,
      ` ${vkey}`,
      `${vkey}\n`,
      // A key id in capitals. Of the whole key in capitals one in a hundred is UNSUPPORTED: its id is all digits.
      `${vkey.slice(0, vkey.indexOf('+') + 1)}ABCDEF01${vkey.slice(vkey.indexOf('+') + 9)}`,
      'x'.repeat(9_999),
    ]) {
      await expect(parseVerifierKey(backend, text), text).rejects.toMatchObject({ code: 'WIRE_MALFORMED' })
    }
  })

  test('names have no spaces, plus signs or control characters; keys are Ed25519', async () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u2003b', 'a\u0085b', 'x'.repeat(257)]) {
      const made = createVerifierKey(backend, name, 'ed25519', signer.key.publicKey)
      await expect(made, JSON.stringify(name)).rejects.toThrow(TypeError)
    }
    const es256 = await backend.signatures.generateKeyPair('ES256')
    await expect(createVerifierKey(backend, 'a', 'ed25519', es256.publicKey)).rejects.toThrow(TypeError)
  })
})

test('base64 is strict', () => {
  expect(toBase64(Uint8Array.of(0xfb, 0xff, 0xfe, 0))).toBe('+//+AA==')
  expect([...fromBase64('+//+AA==')]).toEqual([0xfb, 0xff, 0xfe, 0])
  for (const text of [
    '+//+AA',
    '+//+AA=',
    '+//+AA===',
    '-__-AA==',
    'AB==',
    'A===',
    '=',
    'AA==AA==',
    'AA =',
  ]) {
    expect(() => fromBase64(text), text).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  }
  expect(fromBase64url('').length).toBe(fromBase64('').length)
})
