import { backend } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import {
  addCosignatures,
  cosign,
  createLogSigner,
  createNoteSigner,
  formatCheckpoint,
  formatVerifierKey,
  importLogTrust,
  type NoteSigner,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  signCheckpoint,
  signNote,
} from '../../src/log/index.ts'

const NOW = 1_800_000_000
const ORIGIN = 'keyhaven.local/0123456789ab/demo'
const ROOT = new Uint8Array(32).fill(5)
const ROOT64 = `${'BQUF'.repeat(10)}BQU=`
const generate = async () => backend.signatures.generateKeyPair('EdDSA')
const logKey = await generate()
const signer = await createLogSigner(backend, ORIGIN, logKey)
const witnesses = await Promise.all(['w1', 'w2', 'w3'].map(witnessCalled))
const logVkey = formatVerifierKey(signer.checkpoint.verifier)
const vkeys = witnesses.map(({ verifier }) => formatVerifierKey(verifier))
const trust = await importLogTrust(backend, { log: logVkey, witnesses: { keys: vkeys, threshold: 2 } })
const alone = await importLogTrust(backend, { log: logVkey })
const signed = await signCheckpoint(backend, signer, { size: 7, root: ROOT }, NOW)

async function witnessCalled(name: string): Promise<NoteSigner> {
  return createNoteSigner(backend, `witness.example/${name}`, 'cosignature', await generate())
}

async function cosigned(by: readonly NoteSigner[], at = NOW, note = signed): Promise<string> {
  let lines = ''
  for (const witness of by) lines += await cosign(backend, witness, parseNote(note).text, at)
  return note + lines
}

describe('the text of a checkpoint', () => {
  test('round trip', () => {
    for (const size of [0, 1, 20852163, Number.MAX_SAFE_INTEGER]) {
      const text = formatCheckpoint({ origin: ORIGIN, size, root: ROOT })
      expect(text).toBe(`${ORIGIN}\n${size}\n${ROOT64}\n`)
      expect(parseCheckpoint(text)).toEqual({ origin: ORIGIN, size, root: ROOT, extensions: [] })
    }
    const extended = formatCheckpoint({ origin: ORIGIN, size: 1, root: ROOT, extensions: ['x', 'y z'] })
    expect(parseCheckpoint(extended).extensions).toEqual(['x', 'y z'])
  })

  test.each([
    '',
    '\n',
    `${ORIGIN}\n7\n`,
    `${ORIGIN}\n7\n${ROOT64}`,
    `${ORIGIN}\n7\n${ROOT64}\n\n`,
    `${ORIGIN}\n7\n${ROOT64}\n\nx\n`,
    `\n7\n${ROOT64}\n`,
    `a b\n7\n${ROOT64}\n`,
    `a+b\n7\n${ROOT64}\n`,
    `cosignature/v1\n7\n${ROOT64}\n`,
    `${ORIGIN}\n\n${ROOT64}\n`,
    `${ORIGIN}\n07\n${ROOT64}\n`,
    `${ORIGIN}\n00\n${ROOT64}\n`,
    `${ORIGIN}\n-7\n${ROOT64}\n`,
    `${ORIGIN}\n+7\n${ROOT64}\n`,
    `${ORIGIN}\n7.0\n${ROOT64}\n`,
    `${ORIGIN}\n7e1\n${ROOT64}\n`,
    `${ORIGIN}\n0x7\n${ROOT64}\n`,
    `${ORIGIN}\n 7\n${ROOT64}\n`,
    `${ORIGIN}\n٧\n${ROOT64}\n`,
    `${ORIGIN}\n9007199254740992\n${ROOT64}\n`,
    `${ORIGIN}\n18446744073709551615\n${ROOT64}\n`,
    `${ORIGIN}\n7\n${ROOT64.replace('=', '')}\n`,
    `${ORIGIN}\n7\n${ROOT64.replace('U=', 'V=')}\n`,
    `${ORIGIN}\n7\n${'BQUF'.repeat(10)}\n`,
    `${ORIGIN}\n7\n${'BQUF'.repeat(11)}\n`,
    `${ORIGIN}\n7\nBQ==\n`,
  ])('refuses %j', (text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  })

  test('is not made of what is no checkpoint', async () => {
    const good = { origin: ORIGIN, size: 7, root: ROOT }
    const bad = [
      { origin: '' },
      { origin: 'a b' },
      { origin: 'cosignature/v1' },
      { size: -1 },
      { size: 2 ** 53 },
      { root: new Uint8Array(31) },
      { extensions: [''] },
      { extensions: ['a\nb'] },
    ]
    for (const change of bad) expect(() => formatCheckpoint({ ...good, ...change })).toThrow(TypeError)
    await expect(createLogSigner(backend, 'cosignature/v1', logKey)).rejects.toThrow(TypeError)
  })
})

describe('opening a checkpoint', () => {
  test('signed by the log, with its time', async () => {
    const opened = await openCheckpoint(backend, signed, { ...alone, now: NOW })
    expect(opened).toEqual({
      origin: ORIGIN,
      size: 7,
      root: ROOT,
      extensions: [],
      note: signed,
      signedAt: NOW,
      cosignatures: [],
    })
  })

  test('signed by another key, of another log, or changed, is refused', async () => {
    const invalid = { code: 'SIGNATURE_INVALID' }
    const impostor = await createLogSigner(backend, ORIGIN, await generate())
    const forged = await signCheckpoint(backend, impostor, { size: 7, root: ROOT }, NOW)
    await expect(openCheckpoint(backend, forged, { ...alone, now: NOW })).rejects.toMatchObject(invalid)
    const elsewhere = formatCheckpoint({ origin: 'another/log', size: 7, root: ROOT })
    const misplaced = await signNote(backend, elsewhere, [signer.checkpoint])
    await expect(openCheckpoint(backend, misplaced, { ...alone, now: NOW })).rejects.toMatchObject(invalid)
    const changed = signed.replace('\n7\n', '\n8\n')
    await expect(openCheckpoint(backend, changed, { ...alone, now: NOW })).rejects.toMatchObject(invalid)
  })

  test('with the log’s time but not its signature, is refused', async () => {
    const { text } = parseNote(signed)
    const onlyTime = `${text}\n${await cosign(backend, signer.time, text, NOW)}`
    await expect(openCheckpoint(backend, onlyTime, { ...alone, now: NOW })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  test('that is no checkpoint, though the log signed it, is refused', async () => {
    const text = await signNote(backend, 'hello\n', [signer.checkpoint])
    await expect(openCheckpoint(backend, text, { ...alone, now: NOW })).rejects.toMatchObject({
      code: 'WIRE_MALFORMED',
    })
  })

  test('age: too old, without time, or from the future', async () => {
    const open = (note: string, now: number, maxAgeSeconds?: number) =>
      openCheckpoint(backend, note, { ...alone, now, maxAgeSeconds })
    await open(signed, NOW + 3_600, 3_600)
    await expect(open(signed, NOW + 3_601, 3_600)).rejects.toMatchObject({ code: 'DIRECTORY_STALE' })
    await open(signed, NOW + 99_999)
    await open(signed, NOW - 120, 3_600)
    await expect(open(signed, NOW - 121)).rejects.toMatchObject({ code: 'CLOCK_SKEW' })
    const timeless = await signNote(backend, parseNote(signed).text, [signer.checkpoint])
    expect((await open(timeless, NOW)).signedAt).toBeUndefined()
    await expect(open(timeless, NOW, 3_600)).rejects.toMatchObject({ code: 'DIRECTORY_STALE' })
  })

  test('a changed time is refused', async () => {
    const lines = signed.split('\n')
    const last = lines.findLastIndex((line) => line.startsWith('— '))
    const other = await signCheckpoint(backend, signer, { size: 7, root: ROOT }, NOW + 1)
    const theirs = other.split('\n')[last]!
    // Key id and timestamp of one, signature of the other.
    const at = `— ${ORIGIN} `.length + 16
    const mixed = lines.with(last, theirs.slice(0, at) + lines[last]!.slice(at)).join('\n')
    await expect(openCheckpoint(backend, mixed, { ...alone, now: NOW })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })
})

describe('witnesses', () => {
  const open = (note: string, now = NOW) => openCheckpoint(backend, note, { ...trust, now })
  const tooFew = { code: 'PROOF_INVALID' }

  test('as many as the threshold', async () => {
    const opened = await open(await cosigned(witnesses.slice(0, 2)))
    expect(opened.cosignatures).toEqual([
      { name: 'witness.example/w1', timestamp: NOW },
      { name: 'witness.example/w2', timestamp: NOW },
    ])
    expect((await open(await cosigned(witnesses))).cosignatures).toHaveLength(3)
  })

  test('fewer, one twice, or unknown ones are refused', async () => {
    const [first] = witnesses as [NoteSigner]
    await expect(open(signed)).rejects.toMatchObject(tooFew)
    await expect(open(await cosigned([first]))).rejects.toMatchObject(tooFew)
    await expect(open(await cosigned([first, first]))).rejects.toMatchObject(tooFew)
    const stranger = await witnessCalled('w2')
    await expect(open(await cosigned([first, stranger]))).rejects.toMatchObject(tooFew)
  })

  test('of another checkpoint are refused', async () => {
    const other = await signCheckpoint(backend, signer, { size: 8, root: ROOT }, NOW)
    const theirs = (await cosigned(witnesses, NOW, other)).slice(other.length)
    await expect(open(signed + theirs)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  })

  test('from the future do not count', async () => {
    await expect(open(await cosigned(witnesses, NOW + 121))).rejects.toMatchObject(tooFew)
    await open(await cosigned(witnesses, NOW + 120))
  })

  test('a log cannot be its own witness', async () => {
    const self = formatVerifierKey(signer.time.verifier)
    const config = { log: logVkey, witnesses: { keys: [self], threshold: 1 } }
    await expect(importLogTrust(backend, config)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('one key under two names would count twice: refused', async () => {
    const { key } = witnesses[0]!
    const alias = await createNoteSigner(backend, 'witness.example/alias', 'cosignature', key)
    const keys = [vkeys[0]!, formatVerifierKey(alias.verifier)]
    const imported = importLogTrust(backend, { log: logVkey, witnesses: { keys, threshold: 2 } })
    await expect(imported).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('a configuration that cannot be right is refused', async () => {
    const configurations = [
      { log: 'nonsense' },
      { log: vkeys[0]! },
      { log: logVkey, witnesses: { keys: vkeys, threshold: 0 } },
      { log: logVkey, witnesses: { keys: vkeys, threshold: 4 } },
      { log: logVkey, witnesses: { keys: vkeys, threshold: 1.5 } },
      { log: logVkey, witnesses: { keys: [], threshold: 1 } },
      { log: logVkey, witnesses: { keys: [vkeys[0]!, vkeys[0]!], threshold: 1 } },
      { log: logVkey, witnesses: { keys: [logVkey], threshold: 1 } },
    ]
    for (const configuration of configurations) {
      await expect(importLogTrust(backend, configuration)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    }
  })

  test('their answers are added: valid ones of known keys, in place of older ones', async () => {
    const { text } = parseNote(signed)
    const keys = trust.witnesses.keys
    const stranger = await witnessCalled('w9')
    const answer =
      (await cosign(backend, witnesses[0]!, text, NOW)) + (await cosign(backend, stranger, text, NOW))
    const once = await addCosignatures(backend, signed, answer, keys)
    expect(parseNote(once).signatures).toHaveLength(3)
    const later = await addCosignatures(
      backend,
      once,
      await cosign(backend, witnesses[0]!, text, NOW + 5),
      keys,
    )
    expect(parseNote(later).signatures).toHaveLength(3)
    const both = await addCosignatures(backend, later, await cosign(backend, witnesses[1]!, text, NOW), keys)
    const opened = await open(both)
    expect(opened.cosignatures.map(({ timestamp }) => timestamp)).toEqual([NOW + 5, NOW])
    const wrong = await cosign(
      backend,
      witnesses[2]!,
      formatCheckpoint({ origin: ORIGIN, size: 8, root: ROOT }),
      NOW,
    )
    await expect(addCosignatures(backend, both, wrong, keys)).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  test('cosign nothing but checkpoints', async () => {
    await expect(cosign(backend, witnesses[0]!, 'hello\n', NOW)).rejects.toMatchObject({
      code: 'WIRE_MALFORMED',
    })
  })
})
