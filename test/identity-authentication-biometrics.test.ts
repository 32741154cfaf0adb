import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backend, toHex } from '../packages/crypto/src/node/index.ts'
import { type BiometricBlock, keyName } from '../packages/identity/src/index.ts'
import { bioSdkMatcher } from '../packages/identity/src/service/index.ts'
import {
  type BodyPart,
  createSimulatedDevice,
  createSimulatedTrust,
  type SimulatedTrust,
} from '../packages/identity/src/simulator/index.ts'
import { ENGINES } from './kit/engines.ts'
import {
  type AuthWorld,
  DOMAIN_URI,
  ENV,
  EVERYTHING,
  openAuthWorld,
  POLICY_ID,
} from './kit/identity-authentication.ts'
import { personOf } from './kit/identity-vault.ts'

const UIN = '7193064825'
const FACE: BodyPart = { type: 'Face', subtype: '' }
const THUMB: BodyPart = { type: 'Finger', subtype: 'Left Thumb' }

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld(ENGINES[0]!, 'mosip')
  await world.vault.enrol(UIN)
})
afterAll(() => world.dispose())

interface Capture {
  readonly person?: string
  readonly parts?: readonly BodyPart[]
  readonly env?: string
  readonly trust?: SimulatedTrust
  readonly level?: 'L0' | 'L1'
  readonly key?: string | null
  readonly at?: number
}

async function capture(transactionId: string, how: Capture = {}): Promise<BiometricBlock[]> {
  const { parts = [FACE], trust = world.devices, level = 'L1', key = 'FIR', at = world.vault.now() } = how
  const device = await createSimulatedDevice(backend, {
    ...{ trust, type: parts[0]!.type, level, serialNo: 'serial-1', now: () => at },
  })
  const request = {
    ...({
      purpose: 'Auth',
      transactionId,
      env: how.env ?? ENV,
      domainUri: DOMAIN_URI,
      requestedAt: at,
    } as const),
  }
  const recipient = key === null ? undefined : await world.vault.keys.ida.recipient(keyName('IDA', key))
  const answer = await device.capture({ request, person: how.person ?? UIN, parts, recipient })
  return [...answer.biometrics]
}

async function ask(how: Capture = {}, edit = (blocks: BiometricBlock[]) => blocks) {
  const bank = await world.relyingParty()
  const transactionId = bank.newTransactionId()
  const biometrics = edit(await capture(transactionId, how))
  return bank.authenticate({ id: UIN, transactionId, biometrics })
}

describe('what an L1 device captured', () => {
  test('a thumb of the person, or a finger that the device does not name, is a yes', async () => {
    expect(await ask({ parts: [THUMB] })).toMatchObject({ authenticated: true })
    expect(await ask({ parts: [{ type: 'Finger', subtype: 'UNKNOWN' }] })).toMatchObject({
      authenticated: false,
    })
  })

  test.each<[string, Capture, string]>([
    ['somebody else', { person: '4850716392' }, 'IDA-BIA-001'],
    ['an environment that is not the request’s', { env: 'Developer' }, 'IDA-MLC-024'],
    ['a capture of an hour ago', { at: Date.now() - 3_600_000 }, 'IDA-MLC-030'],
    ['a value that is not encrypted', { key: null }, 'IDA-BIA-011'],
    ['a value encrypted to another key of IDA', { key: 'PARTNER' }, 'IDA-MPA-003'],
  ])('%s is refused', async (_what, how, code) => {
    const { authenticated, errors } = await ask(how)
    expect(authenticated).toBe(false)
    expect(errors.map(({ errorCode }) => errorCode)).toEqual([code])
  })

  test('a device of a provider that nobody trusts, or that was revoked, is refused', async () => {
    const trust = await createSimulatedTrust(backend, { at: world.vault.now() - 1_000 })
    expect((await ask({ trust })).errors[0]!.errorCode).toBe('IDA-BIA-004')
    await world.tellOfAuthorities({ revoked: [toHex(world.devices.ftmProvider.certificate.thumbprint)] })
    expect((await ask()).errors[0]!.errorCode).toBe('IDA-BIA-004')
    await world.tellOfAuthorities()
    expect(await ask()).toMatchObject({ authenticated: true })
  })

  test('blocks of another transaction, changed, reordered or with another hash are refused', async () => {
    const elsewhere = await capture('TXN0000001')
    const two = { parts: [THUMB, { type: 'Finger', subtype: 'Right Thumb' }] as const }
    const codeOf = async (how: Capture, edit: (blocks: BiometricBlock[]) => BiometricBlock[]) =>
      (await ask(how, edit)).errors[0]!.errorCode
    expect(await codeOf({}, () => elsewhere)).toBe('IDA-MLC-016')
    const changed = ([block]: BiometricBlock[]) => {
      const [header, payload, signature] = block!.data.split('.')
      return [{ ...block!, data: `${header}.${payload!.slice(0, -4)}AAAA.${signature}` }]
    }
    expect(await codeOf({}, changed)).toBe('IDA-BIA-015')
    expect(await codeOf(two, (blocks) => blocks.reverse())).toBe('IDA-BIA-014')
    expect(await codeOf({}, ([block]) => [{ ...block!, hash: '0'.repeat(64) }])).toBe('IDA-BIA-014')
    const swapped = ([a, b]: BiometricBlock[]) => [
      { ...a!, sessionKey: b!.sessionKey! },
      { ...b!, sessionKey: a!.sessionKey! },
    ]
    expect(await codeOf(two, swapped)).toBe('IDA-MPA-003')
    expect(await codeOf({ parts: [THUMB, THUMB] }, (blocks) => blocks)).toBe('IDA-BIA-002')
  })

  test('a modality that the policy does not allow is refused', async () => {
    const allowedAuthTypes = [{ authType: 'bio', authSubType: 'FINGER', mandatory: false }]
    const body = { ...EVERYTHING, allowedAuthTypes }
    await world.tell({ policies: [{ id: POLICY_ID, version: 2, validUntil: null, type: 'Auth', body }] })
    expect((await ask()).errors[0]!.errorCode).toBe('IDA-MPA-006')
    expect(await ask({ parts: [THUMB] })).toMatchObject({ authenticated: true })
    await world.tell()
  })
})

describe('the adapter of MOSIP’s Bio-SDK service', () => {
  interface Seen {
    readonly path: string
    readonly request: Record<string, unknown>
  }
  const seen: Seen[] = []
  const answers: unknown[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { request: string }
      const inner = JSON.parse(Buffer.from(body.request, 'base64').toString()) as Record<string, unknown>
      seen.push({ path: request.url!, request: inner })
      response.end(JSON.stringify(answers.shift()))
    })
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/biosdk-service`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  const birs = personOf(UIN).biometrics.individualBiometrics.birs
  const decision = (match: string) => ({
    version: '1.0',
    response: [{ galleryIndex: 0, decisions: { FACE: { match }, FINGER: { match: 'MATCHED' } } }],
    errors: [],
  })

  test('asks as the service wants it, and takes a match of all kinds only', async () => {
    answers.push(decision('MATCHED'), decision('NOT_MATCHED'), { ...decision('MATCHED'), errors: [{}] })
    const matcher = bioSdkMatcher(url)
    expect(await matcher.match(birs, birs, ['Face', 'Finger'])).toMatchObject({ match: true })
    expect(seen[0]!.path).toBe('/biosdk-service/match')
    expect(seen[0]!.request).toMatchObject({
      modalitiesToMatch: ['FACE', 'FINGER'],
      gallery: [{ segments: expect.any(Array) }],
      sample: { segments: expect.arrayContaining([expect.objectContaining({ bdb: expect.any(String) })]) },
    })
    expect(await matcher.match(birs, birs, ['Face', 'Finger'])).toMatchObject({ match: false })
    await expect(matcher.match(birs, birs, ['Face'])).rejects.toMatchObject({
      code: 'UPSTREAM_REFUSED',
    })
    expect(await matcher.match(birs, [], ['Face'])).toMatchObject({ match: false })
  })
})
