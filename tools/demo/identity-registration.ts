import { type CapturedBiometric, REGISTRATION_OFFICER } from '@keyhaven/identity'
import { SIMULATED_LANGUAGES, type SimulatedPerson, simulatedPerson } from '@keyhaven/identity/simulator'
import type { Cast } from './identity-people.ts'
import { IDENTITY, type IdentityScene, signIn, until } from './identity-scene.ts'
import {
  build,
  captureOf,
  OFFICER,
  type OpenStation,
  openStation,
  type Packet,
  REGISTERED_PARTS,
} from './identity-station.ts'
import { outcome } from './messaging-scene.ts'

const RECEIVER = '/registrationprocessor/v1/packetreceiver/registrationpackets'
const PACKETS = '/v1/identity/packets'
/** States of the queue that are shown: every so manieth that is new. */
const SHOWN_EVERY = 4

/** Somebody who is registered, and what was captured of them. */
export interface Enrolled {
  readonly person: SimulatedPerson
  readonly rid: string
  readonly captured: readonly CapturedBiometric[]
}

/** Enrols people, uploads their packets and waits until their credentials are issued. */
export async function enrol(scene: IdentityScene, cast: Cast, count: number): Promise<readonly Enrolled[]> {
  const { tour } = scene
  tour.chapter(`${scene.profile} 1. ${count} people are registered`)
  const station = await openStation(scene, cast)
  const first = await captureOf(station, personOf(scene, 0))
  const nobody = await outcome(build(station, personOf(scene, 0), first))
  const stranger = await signIn(scene, 'mallory', 'partner')
  await station.signIn(stranger)
  const noOfficer = await outcome(build(station, personOf(scene, 0), first))
  await station.signIn(await signIn(scene, OFFICER, REGISTRATION_OFFICER))
  tour.claim(
    nobody === 'UNAUTHENTICATED' && noOfficer === 'ACCESS_DENIED',
    `the registration client builds no packet while nobody is signed in (${nobody}), nor for somebody who is ` +
      `no registration officer (${noOfficer})`,
  )

  const enrolled: Enrolled[] = []
  const packets: Packet[] = []
  const begun = performance.now()
  for (let number = 0; number < count; number += 1) {
    const person = personOf(scene, number)
    const captured = number === 0 ? first : await captureOf(station, person)
    const packet = await build(station, person, captured)
    packets.push(packet)
    enrolled.push({ person, captured, rid: packet.rid })
  }
  const languages = new Set(enrolled.map(({ person }) => person.language))
  const faces = enrolled.flatMap(({ captured }) => captured.filter(({ data }) => data.bioType === 'Face'))
  const values = enrolled.flatMap(({ captured }) => captured)
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  tour.claim(
    languages.size === Math.min(count, SIMULATED_LANGUAGES.length) &&
      values.length === count * REGISTERED_PARTS.length,
    `${count} made-up people of ${languages.size} languages: ${values.length} biometrics signed and encrypted by ` +
      `simulated L1 devices, verified and opened by the client; a face image has ` +
      `${((faces[0]?.value?.length ?? 0) / 1000).toFixed(0)} kB; packets built in ${seconds} s`,
  )
  await upload(scene, station, packets)
  await refusals(scene, station, enrolled)
  return enrolled
}

function personOf({ profile }: IdentityScene, number: number): SimulatedPerson {
  return simulatedPerson(`demo-${profile}-${number}`)
}

/** Every second one resumably and cut once, the others as MOSIP's client does it. */
async function upload(
  scene: IdentityScene,
  { token }: OpenStation,
  packets: readonly Packet[],
): Promise<void> {
  const { tour, main } = scene
  const begun = performance.now()
  let resumed = 0
  for (const [at, packet] of packets.entries()) {
    if (at % 2 === 0) await uploadWhole(scene, token, packet)
    else resumed += await uploadInPieces(scene, token, packet)
  }
  const counts = async () =>
    (await main.admin<{ counts: Record<string, number> }>('GET', `${IDENTITY}/registrations/counts`)).counts
  const seen = new Set<string>()
  const ended = await until(counts, (now) => {
    const line = Object.entries(now).filter(([, number]) => number > 0)
    const text = line.map(([stage, number]) => `${stage} ${number}`).join(', ')
    if (!seen.has(text) && seen.size % SHOWN_EVERY === 0) tour.say(text)
    seen.add(text)
    return (now.CREDENTIALS_ISSUED ?? 0) + (now.REJECTED ?? 0) === packets.length
  })
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  tour.claim(
    ended?.CREDENTIALS_ISSUED === packets.length,
    `uploaded, ${resumed} of them cut in the middle and resumed; processed to the end: ` +
      `${ended?.CREDENTIALS_ISSUED ?? 0} of ${packets.length} in ${seconds} s`,
  )
  const { history } = await main.admin<{ history: { stage: string }[] }>(
    'GET',
    `${IDENTITY}/registrations/${packets[0]!.rid}`,
  )
  const stages = history.map(({ stage }) => stage)
  tour.claim(stages.length === 6, `the stages of a registration: ${stages.join(' → ')}`)
}

async function uploadWhole({ main }: IdentityScene, token: string, packet: Packet): Promise<void> {
  const body = new FormData()
  body.append('file', new File([Uint8Array.from(packet.bytes)], packet.fileName))
  const answer = await fetch(main.identityUrl + RECEIVER, {
    ...{ method: 'POST', body, headers: { authorization: `Bearer ${token}` } },
  })
  const { errors } = (await answer.json()) as { errors: unknown }
  if (errors) throw new Error(`${packet.fileName}: ${JSON.stringify(errors)}`)
}

/** @returns 1 if it went on in the middle. */
async function uploadInPieces({ main }: IdentityScene, token: string, packet: Packet): Promise<number> {
  const call = (path: string, method: string, headers: Record<string, string>, body?: Uint8Array) =>
    fetch(main.identityUrl + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', ...headers },
      ...(body && { body: Uint8Array.from(body) }),
    })
  const { bytes, fileName } = packet
  const made = await call(PACKETS, 'POST', {
    'upload-length': String(bytes.length),
    'keyhaven-packet': fileName,
  })
  const path = new URL(made.headers.get('location') ?? '', main.identityUrl).pathname
  const send = (offset: number, end: number) =>
    call(
      path,
      'PATCH',
      { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      bytes.subarray(offset, end),
    )
  const half = Math.floor(bytes.length / 2)
  await send(0, half)
  const offset = Number((await call(path, 'HEAD', {})).headers.get('upload-offset'))
  const last = await send(offset, bytes.length)
  if (!last.ok) throw new Error(`${fileName}: ${last.status} ${await last.text()}`)
  return offset === half ? 1 : 0
}

/** Somebody who is there already, and a packet that was altered. */
async function refusals(
  scene: IdentityScene,
  station: OpenStation,
  enrolled: readonly Enrolled[],
): Promise<void> {
  const { tour, main } = scene
  const again = await build(station, personOf(scene, 0), await captureOf(station, enrolled[0]!.person))
  const altered = await build(station, personOf(scene, 1), enrolled[1]!.captured)
  altered.bytes[Math.floor(altered.bytes.length / 2)]! ^= 1
  const reasons: string[] = []
  for (const packet of [again, altered]) {
    await uploadWhole(scene, station.token, packet)
    const ended = await until(
      () =>
        main.admin<{ stage: string; reason: string | null }>(
          'GET',
          `${IDENTITY}/registrations/${packet.rid}`,
        ),
      ({ stage }) => ['REJECTED', 'CREDENTIALS_ISSUED'].includes(stage),
    )
    reasons.push(ended?.reason ?? 'nothing')
  }
  tour.claim(
    reasons[0]!.startsWith('DUPLICATE: biometrics') && /^(OPEN_FAILED|PACKET_INVALID)/.test(reasons[1]!),
    `somebody who comes again: ${reasons[0]!.split(' of ')[0]}; a packet in which one bit was changed: ` +
      `${reasons[1]!.split(':')[0]}`,
  )
}
