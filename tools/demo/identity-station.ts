import { backend, fromBase64url } from '@keyhaven/crypto'
import {
  type CapturedBiometric,
  createCaptureMemory,
  createRegistrationClient,
  machineOpener,
  machineRecipient,
  type OperatorSession,
  parseCertificate,
  REGISTRATION_OFFICER,
  type RegistrationClient,
  type RegistrationKeys,
  softwareMachineKey,
  verifyMachineRecord,
} from '@keyhaven/identity'
import { issuerTrust } from '@keyhaven/identity/service'
import {
  BODY_PARTS,
  SIMULATED_SCHEMA,
  type SimulatedDevice,
  type SimulatedPerson,
  simulatedDocument,
} from '@keyhaven/identity/simulator'
import { createIdTokens } from '../../packages/server/src/platform/auth/id-tokens.ts'
import { rootOf } from './identity-partners.ts'
import type { Cast } from './identity-people.ts'
import { apiToken, IDENTITY, type IdentityScene } from './identity-scene.ts'

const STATION = { centreId: '10001', machineId: '10077' }
const REF_ID = `${STATION.centreId}_${STATION.machineId}`
export const OFFICER = 'olga'
export const ENVIRONMENT = 'Developer'
/** All fingers and the face. */
export const REGISTERED_PARTS = BODY_PARTS.filter(({ type }) => type !== 'Iris')

export interface Packet {
  readonly rid: string
  readonly fileName: string
  readonly bytes: Uint8Array
}

/** The registration client at its machine, with devices, and its token at the server. */
export interface OpenStation {
  readonly client: RegistrationClient
  readonly token: string
  readonly devices: readonly SimulatedDevice[]
  readonly recipient: Awaited<ReturnType<typeof machineRecipient>>
  /** @param token - id token of whoever sits there now. */
  signIn(token: string): Promise<void>
}

/** An operator registers centre, machine and officer; the client gets its keys, and verifies who signed them. */
export async function openStation(
  scene: IdentityScene,
  { trust, finger, face, machineKey: key }: Cast,
): Promise<OpenStation> {
  const { main, oidc, profile } = scene
  const { centreId, machineId } = STATION
  const machineKey = softwareMachineKey(backend, key)
  const signer = await backend.signatures.generateKeyPair('EdDSA')
  const publicKey =
    profile === 'mosip'
      ? Buffer.from(machineKey.publicKeySpki).toString('base64')
      : JSON.stringify(signer.publicKey.jwk)
  await main.admin('POST', `${IDENTITY}/centres`, { id: centreId, name: 'Invented Town Hall' })
  await main.admin('POST', `${IDENTITY}/machines`, { centre: centreId, id: machineId, publicKey })
  await main.admin('POST', `${IDENTITY}/officers`, { officer: OFFICER })
  const token = await apiToken(main, 'registration-client', REGISTRATION_OFFICER)
  const answer = await fetch(`${main.identityUrl}/v1/identity/machines/${REF_ID}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const given = (await answer.json()) as { record: string; certificates?: string[]; packetKey?: string }
  const root = parseCertificate(await rootOf(main))
  const machine = await verifyMachineRecord(
    backend,
    given.record,
    issuerTrust(async () => root, Date.now),
  )
  const keys: RegistrationKeys =
    profile === 'mosip'
      ? { profile, machineKey, recipient: parseCertificate(given.certificates![0]!) }
      : {
          ...{ profile, signer },
          recipient: await backend.kem.importPublicKey('x-wing', fromBase64url(given.packetKey!)),
        }
  let session: OperatorSession | undefined
  let sequence = 0
  const client = createRegistrationClient(backend, {
    ...{ station: STATION, schema: SIMULATED_SCHEMA, environment: ENVIRONMENT, now: Date.now, machine, keys },
    trust: { device: trust.anchors.device, ftm: trust.anchors.ftm, revoked: () => false },
    memory: createCaptureMemory(Date.now),
    operator: () => session,
    nextSequence: () => sequence++,
    captureOpener: machineOpener(backend, machineKey),
  })
  const tokens = createIdTokens({ issuer: oidc.issuer, clientId: oidc.clientId })
  return {
    ...{ client, token, devices: [finger, face], recipient: await machineRecipient(backend, machineKey) },
    async signIn(idToken) {
      const { sub, roles, exp } = await tokens.verify(idToken)
      session = { subject: sub, roles: roles as string[], expiresAt: exp * 1000 }
    },
  }
}

/** Everything that the station's devices capture of somebody. */
export async function captureOf(
  { client, devices, recipient }: OpenStation,
  { seed }: SimulatedPerson,
): Promise<CapturedBiometric[]> {
  const captured: CapturedBiometric[] = []
  for (const device of devices) {
    const parts = REGISTERED_PARTS.filter(({ type }) => type === device.digitalId.type)
    const request = client.requestCapture()
    captured.push(
      ...(await client.accept(request, await device.capture({ request, person: seed, parts, recipient }))),
    )
  }
  return captured
}

export async function build(
  { client }: OpenStation,
  { seed, fields }: SimulatedPerson,
  captured: readonly CapturedBiometric[],
): Promise<Packet> {
  const packet = await client.build({
    process: 'NEW',
    fields: { ...fields },
    documents: new Map([['proofOfIdentity', simulatedDocument(seed, 'DOC001')]]),
    biometrics: new Map([['individualBiometrics', captured]]),
  })
  const pieces: Uint8Array[] = []
  for await (const piece of packet.stream) pieces.push(piece)
  return { rid: packet.rid, fileName: packet.fileName, bytes: Buffer.concat(pieces) }
}
