import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOidcProvider } from '../../test/kit/oidc.ts'
import { startMailServer } from '../../test/kit/smtp.ts'
import { createSoftHsm, type TestHsm } from '../../test/kit/softhsm.ts'
import { authenticatePeople } from './identity-authentication.ts'
import { setUpPartners } from './identity-partners.ts'
import { type Cast, castOf } from './identity-people.ts'
import { refuseOthers, revoke } from './identity-refusals.ts'
import { enrol } from './identity-registration.ts'
import { rotatePool } from './identity-rotation.ts'
import { type IdentityPlace, type IdentityScene, REDIRECT, startScene } from './identity-scene.ts'
import { whatRolesHold } from './identity-seen.ts'
import { shareWithPartners } from './identity-shares.ts'
import { startSubscriber } from './identity-subscribers.ts'
import { askWithToken, theft } from './identity-theft.ts'
import type { Tour } from './tour.ts'

export interface IdentityTourOptions {
  /** Enrolled in profile `mosip`. */
  readonly people: number
}

/** Of profile `keyhaven`, at most: the same flows once more. */
const KEYHAVEN_PEOPLE = 8

/** A person's data from the device to the relying party, and what a thief of each part of it has. */
export async function identityTour(tour: Tour, { people }: IdentityTourOptions): Promise<void> {
  tour.chapter('The scene')
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-demo-'))
  const opened: { close(): unknown }[] = []
  try {
    const hsm = openHsm(tour)
    if (hsm !== undefined) opened.push({ close: hsm.remove })
    const [oidc, mail] = await Promise.all([startOidcProvider(REDIRECT), startMailServer()])
    opened.push(oidc, mail)
    const place: IdentityPlace = { tour, folder, oidc, mail, hsm, opened }
    tour.say('profile mosip: MOSIP 1.2, byte for byte, in a main server and an IDA')
    tour.say('profile keyhaven: the same flows with primitives of today, and a third role, the oblivious PRF')
    // Most of a start is making RSA keys.
    const [cast, mosip, keyhaven] = await Promise.all([
      castOf(),
      startScene(place, 'mosip'),
      startScene(place, 'keyhaven'),
    ])
    await profileTour(mosip, cast, people)
    await profileTour(keyhaven, cast, Math.min(people, KEYHAVEN_PEOPLE))
  } finally {
    for (const one of opened.reverse()) await Promise.allSettled([one.close()])
    await rm(folder, { recursive: true, force: true })
  }
}

function openHsm(tour: Tour): TestHsm | undefined {
  try {
    const hsm = createSoftHsm('demo')
    tour.say('root, module and master keys lie in SoftHSM 2 (PKCS#11), a token for each role')
    return hsm
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    tour.say('SoftHSM 2 is not installed: root, module and master keys lie wrapped in each database instead')
    return undefined
  }
}

async function profileTour(scene: IdentityScene, cast: Cast, count: number): Promise<void> {
  const abis = await startSubscriber(cast.abis)
  const print = await startSubscriber(cast.print)
  scene.opened.push(abis, print)
  const keys = await setUpPartners(scene, cast, { abis: abis.url, print: print.url })
  const enrolled = await enrol(scene, cast, count)
  const shared = await shareWithPartners(scene, cast, { abis, print }, enrolled)
  const { people } = shared
  const desk = await authenticatePeople(scene, cast, keys, people)
  await refuseOthers(scene, cast, desk, people, keys)
  await rotatePool(scene, desk, people)
  await revoke(scene, cast, desk, people[0]!)
  await askWithToken(scene, cast, people[0]!.uin)
  await Promise.all([scene.main.stop(), scene.ida.stop(), scene.oprf?.stop()])
  await theft(scene, people)
  await whatRolesHold(scene, cast, shared, keys)
}
