import { backend, fromUtf8, toBase64url, toHex, utf8 } from '@keyhaven/crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  bioValueNonces,
  birOfCapture,
  type CaptureChecks,
  type CaptureItem,
  type CaptureRequest,
  type CaptureResponse,
  encodeCbeff,
  hashChain,
  openBioValue,
  parseCbeff,
  signedCaptureOf,
  signJwt,
  trustDevice,
  verifyCapture,
  verifyJwt,
} from '../../src/index.ts'
import {
  createSimulatedDevice,
  createSimulatedTrust,
  type SimulatedDevice,
  type SimulatedTrust,
  simulatedBiometric,
} from '../../src/simulator/index.ts'
import { type TestHolder, testHolder, testKey } from '../kit/test-keys.ts'

const NOW = Date.now()
const LEFT = { type: 'Iris', subtype: 'Left' } as const
const RIGHT = { type: 'Iris', subtype: 'Right' } as const
let trust: SimulatedTrust
let l1: SimulatedDevice
let l0: SimulatedDevice
let k21: TestHolder
let checks: CaptureChecks
let request: CaptureRequest
let transactions = 0

const trusts = async (first: number): Promise<SimulatedTrust> => {
  let next = first
  return createSimulatedTrust(backend, { at: NOW - 60_000, newKey: () => testKey(next++) })
}

beforeAll(async () => {
  trust = await trusts(0)
  const device = { trust, type: 'Iris', serialNo: '123456789012', now: () => NOW } as const
  l1 = await createSimulatedDevice(backend, { ...device, level: 'L1' })
  l0 = await createSimulatedDevice(backend, { ...device, level: 'L0' })
  k21 = await testHolder(1)
})
beforeEach(() => {
  const used = new Set<string>()
  checks = {
    trust: { ...trust.anchors, revoked: () => false },
    memory: { use: (id) => !used.has(id) && used.add(id) !== undefined },
    now: NOW,
  }
  request = {
    purpose: 'Auth',
    transactionId: `transaction-${transactions++}`,
    env: 'Developer',
    domainUri: 'https://ida.example.org',
    requestedAt: NOW - 1_000,
  }
})

const forAuth = () => l1.capture({ request, person: 'p1', parts: [LEFT, RIGHT], recipient: k21.recipient })
const verify = (response: CaptureResponse, over: Partial<CaptureChecks> = {}) =>
  verifyCapture(backend, response, request, { ...checks, ...over })
const refusal = (response: CaptureResponse, over: Partial<CaptureChecks> = {}): Promise<string> =>
  verify(response, over).then(
    () => 'verified',
    ({ code, message }) => `${code}: ${message}`,
  )
const changed = (response: CaptureResponse, change: Partial<CaptureItem>): CaptureResponse => ({
  biometrics: [{ ...response.biometrics[0]!, ...change }, ...response.biometrics.slice(1)],
})

describe('IV and associated data', () => {
  test('are the last bytes of time XOR transaction, the shorter filled up in front', () => {
    const timestamp = '2022-01-28T22:36:15Z'
    const transactionId = '123456789123'
    const x = Buffer.from(timestamp)
    for (const [at, byte] of Buffer.from(transactionId).entries())
      x[x.length - transactionId.length + at]! ^= byte
    const { iv, aad } = bioValueNonces({ timestamp, transactionId })
    expect(toHex(iv)).toBe(x.subarray(-12).toString('hex'))
    expect(toHex(aad)).toBe(x.subarray(-16).toString('hex'))
    // Written out once by hand: the first four bytes have nothing to be mixed with.
    expect(fromUtf8(aad.slice(0, 4))).toBe('-01-')
    const swapped = bioValueNonces({ timestamp: transactionId, transactionId: timestamp })
    expect(swapped).toEqual({ iv, aad })
    expect(() => bioValueNonces({ timestamp: 'short', transactionId: 'short' })).toThrow('timestamp')
  })
})

test('the hash chain is the newest of MOSIP', async () => {
  const sha = async (...parts: Uint8Array[]) =>
    backend.sha256(Uint8Array.from(parts.flatMap((part) => [...part])))
  const [one, two] = [utf8('one'), utf8('two')]
  const h1 = await sha(await sha(), await sha(one))
  const h2 = await sha(h1, await sha(two))
  const chain = hashChain(backend)
  expect(await chain.next(one)).toBe(toHex(h1).toUpperCase())
  expect(await chain.next(two)).toBe(toHex(h2).toUpperCase())
  expect(await hashChain(backend, toHex(h1).toUpperCase()).next(two)).toBe(toHex(h2).toUpperCase())
  expect(() => hashChain(backend, 'no hash')).toThrow('SHA-256')
})

describe('a capture for authentication', () => {
  test('verifies, stays sealed for the caller, and opens for the holder of K21', async () => {
    const response = await forAuth()
    const captured = await verify(response)
    expect(captured.map(({ level, value, data }) => [level, value, data.bioSubType])).toEqual([
      ['L1', undefined, 'Left'],
      ['L1', undefined, 'Right'],
    ])
    const { item, data } = captured[1]!
    const sealed = { bioValue: data.bioValue, sessionKey: item.sessionKey!, thumbprint: item.thumbprint! }
    const value = simulatedBiometric('p1', RIGHT, request.transactionId)
    expect(await openBioValue(backend, k21.opener, sealed, data)).toEqual(value)
    const base64 = Buffer.from(item.thumbprint!, 'hex').toString('base64url')
    expect(await openBioValue(backend, k21.opener, { ...sealed, thumbprint: base64 }, data)).toEqual(value)
    expect(item.sessionKey).not.toBe(captured[0]!.item.sessionKey)
    expect(() => birOfCapture(captured[0]!)).toThrow(TypeError)
  })

  test('with the key the hash chain is checked as well', async () => {
    const response = await forAuth()
    const reversed = { biometrics: [...response.biometrics].reverse() }
    expect(await refusal(reversed, { opener: k21.opener })).toBe('INPUT_INVALID: capture: hash chain')
    const wrong = changed(response, { hash: '0'.repeat(64) })
    expect(await refusal(wrong, { opener: k21.opener })).toBe('INPUT_INVALID: capture: hash chain')
    expect(await refusal(response, { opener: k21.opener })).toBe('verified')
  })

  test('whatever does not open fails in one way', async () => {
    const [first, second] = (await forAuth()).biometrics as [CaptureItem, CaptureItem]
    const answers = new Set<string>()
    const wrongKey = (await testHolder(2)).opener
    answers.add(await refusal({ biometrics: [first, second] }, { opener: wrongKey }))
    const swapped = { biometrics: [{ ...first, sessionKey: second.sessionKey! }, second] }
    answers.add(await refusal(swapped, { opener: k21.opener }))
    for (const change of [
      { sessionKey: 'AAAA' },
      { sessionKey: '*' },
      { thumbprint: '00' },
      { thumbprint: toBase64url(new Uint8Array(32)) },
    ]) {
      answers.add(await refusal(changed({ biometrics: [first, second] }, change), { opener: k21.opener }))
    }
    expect(answers.size).toBe(1)
    expect([...answers][0]).toMatch(/^OPEN_FAILED/)
  })

  test('a session key that serves two values is refused', async () => {
    const [first, second] = (await forAuth()).biometrics as [CaptureItem, CaptureItem]
    expect(await refusal({ biometrics: [first, { ...second, sessionKey: first.sessionKey! }] })).toMatch(
      /session key serves two/,
    )
  })

  test('a second time is a replay, also of one item of it', async () => {
    const response = await forAuth()
    expect(await refusal(response)).toBe('verified')
    expect(await refusal(response)).toBe('REPLAYED: capture: its transaction was used before')
    expect(await refusal({ biometrics: [response.biometrics[1]!] })).toMatch(/^REPLAYED/)
  })

  test('of another transaction, purpose, environment or authority is refused', async () => {
    const response = await forAuth()
    for (const over of [
      { transactionId: 'another-transaction' },
      { purpose: 'Registration' as const },
      { env: 'Production' },
      { domainUri: 'https://other.example.org' },
    ]) {
      const name = Object.keys(over)[0]
      await expect(verifyCapture(backend, response, { ...request, ...over }, checks)).rejects.toMatchObject({
        code: 'INPUT_INVALID',
        message: `capture: ${name}`,
      })
    }
  })

  test('before the request, from the future or too late is refused', async () => {
    const response = await forAuth()
    const at = (requestedAt: number, now: number) =>
      verifyCapture(backend, response, { ...request, requestedAt }, { ...checks, now })
    await expect(at(NOW + 31_000, NOW + 31_000)).rejects.toMatchObject({ code: 'CLOCK_SKEW' })
    await expect(at(NOW - 60_000, NOW - 31_000)).rejects.toMatchObject({ code: 'CLOCK_SKEW' })
    await expect(at(NOW - 1_000, NOW + 5 * 60_000)).rejects.toMatchObject({ code: 'KEY_EXPIRED' })
  })

  test('without encryption, with an error of the device, or of nothing is refused', async () => {
    const plain = await l1.capture({ request, person: 'p1', parts: [LEFT] })
    expect(await refusal(plain)).toBe('INPUT_INVALID: capture: a biometric for authentication is encrypted')
    const failed = changed(await forAuth(), { error: { errorCode: '703', errorInfo: 'poor quality' } })
    expect(await refusal(failed)).toBe('INPUT_INVALID: capture: the device reports an error')
    expect(await refusal({ biometrics: [] })).toBe('INPUT_INVALID: capture: biometrics')
    await expect(
      l0.capture({ request, person: 'p1', parts: [LEFT], recipient: k21.recipient }),
    ).rejects.toThrow(TypeError)
    await expect(
      l1.capture({ request, person: 'p1', parts: [{ type: 'Face', subtype: '' }] }),
    ).rejects.toThrow(TypeError)
  })
})

describe('who signed', () => {
  test('one changed character of the biometric is a wrong signature', async () => {
    const response = await forAuth()
    const { data } = response.biometrics[0]!
    const at = data.indexOf('.') + 2_000
    const flipped = `${data.slice(0, at)}${data[at] === 'A' ? 'B' : 'A'}${data.slice(at + 1)}`
    expect(await refusal(changed(response, { data: flipped }))).toMatch(/^SIGNATURE_INVALID/)
    for (const cut of ['', '.', data.slice(0, -1), data.slice(1)]) {
      expect(await refusal(changed(response, { data: cut }))).toMatch(/^SIGNATURE_INVALID/)
    }
  })

  test('a provider that nobody trusts, a revoked device, an expired one', async () => {
    const response = await forAuth()
    const stranger = await trusts(2)
    expect(await refusal(response, { trust: { ...stranger.anchors, revoked: () => false } })).toMatch(
      /^CERTIFICATE_INVALID/,
    )
    const revoked = {
      ...checks.trust,
      revoked: ({ subject }: { subject: string }) => subject.includes('FTM chip'),
    }
    expect(await refusal(response, { trust: revoked })).toMatch(/^CERTIFICATE_INVALID/)
    const later = NOW + 3 * 365 * 86_400_000
    expect(await refusal(response, { now: later })).toMatch(/^CERTIFICATE_INVALID/)
  })

  test('the two trust domains do not stand in for each other', async () => {
    const response = await forAuth()
    const { device, ftm } = trust.anchors
    const swapped = { device: ftm, ftm: device, revoked: () => false }
    expect(await refusal(response, { trust: swapped })).toMatch(/^CERTIFICATE_INVALID/)
    expect(await refusal(response, { trust: { device, ftm: [], revoked: () => false } })).toMatch(
      /^CERTIFICATE_INVALID/,
    )
  })

  test('a digital id of another kind of device, or of none, is refused', async () => {
    const device = await trust.issue('device', 'device')
    const chip = await trust.issue('ftm', 'chip')
    const [original] = (await forAuth()).biometrics as [CaptureItem]
    const payload = JSON.parse(Buffer.from(original.data.split('.')[1]!, 'base64url').toString())
    const forged = async (digitalId: string) => {
      const data = await signJwt(device, JSON.stringify({ ...payload, digitalId }))
      return refusal({ biometrics: [{ ...original, data }] })
    }
    const id = { ...l1.digitalId, dateTime: new Date(NOW).toISOString() }
    expect(await forged(await signJwt(chip, JSON.stringify({ ...id, type: 'Face' })))).toBe(
      'INPUT_INVALID: capture: the kind of device and that of the biometric',
    )
    expect(await forged(await signJwt(chip, JSON.stringify({ ...id, serialNo: 7 })))).toBe(
      'INPUT_INVALID: capture: serialNo',
    )
    const old = { ...id, dateTime: new Date(NOW - 6 * 60_000).toISOString() }
    expect(await forged(await signJwt(chip, JSON.stringify(old)))).toBe(
      'INPUT_INVALID: capture: time of the digital id',
    )
    expect(await forged(await signJwt(device, JSON.stringify(id)))).toMatch(/^CERTIFICATE_INVALID/)
    expect(await forged(JSON.stringify(id))).toMatch(/^SIGNATURE_INVALID/)
  })
})

describe('a capture for registration', () => {
  beforeEach(() => {
    request = { ...request, purpose: 'Registration' }
  })

  test('of an L0 device is taken where that is enough', async () => {
    const response = await l0.capture({ request, person: 'p1', parts: [LEFT, RIGHT] })
    expect(await refusal(response)).toMatch(/^CERTIFICATE_INVALID/)
    const captured = await verify(response, { levels: ['L0', 'L1'] })
    expect(captured.map(({ level }) => level)).toEqual(['L0', 'L0'])
    expect(captured[0]!.value).toEqual(simulatedBiometric('p1', LEFT, request.transactionId))
  })

  test('of an L1 device may be encrypted for the registration client, with its hash chain checked', async () => {
    const response = await l1.capture({ request, person: 'p1', parts: [LEFT], recipient: k21.recipient })
    const [captured] = await verify(response, { opener: k21.opener, levels: ['L0', 'L1'] })
    expect(captured!.value).toEqual(simulatedBiometric('p1', LEFT, request.transactionId))
    expect(signedCaptureOf(birOfCapture(captured!))).toBeUndefined()
  })

  test('keeps the signature of the device in the CBEFF file, where it verifies again', async () => {
    const response = await l1.capture({ request, person: 'p1', parts: [LEFT, RIGHT] })
    const captured = await verify(response)
    const { birs } = parseCbeff(encodeCbeff({ birs: captured.map(birOfCapture) }))
    const trusted = {
      trust: (chain: Parameters<typeof trustDevice>[2]) => trustDevice(checks.trust, 'device', chain, NOW),
    }
    for (const [number, bir] of birs.entries()) {
      const jws = signedCaptureOf(bir)!
      expect(jws).toBe(response.biometrics[number]!.data)
      await verifyJwt(backend, jws, trusted)
      const other = { ...bir, bdb: utf8('another biometric') }
      await expect(verifyJwt(backend, signedCaptureOf(other)!, trusted)).rejects.toMatchObject({
        code: 'SIGNATURE_INVALID',
      })
    }
  })

  test('the hash chain goes on from another device', async () => {
    const before = await hashChain(backend).next(utf8('a finger'))
    request = { ...request, previousHash: before }
    const response = await l1.capture({ request, person: 'p1', parts: [LEFT] })
    expect(await refusal(response)).toBe('verified')
    const { previousHash: _, ...without } = request
    await expect(verifyCapture(backend, response, without, checks)).rejects.toThrow('hash chain')
  })
})
