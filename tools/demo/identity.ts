import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Profile } from '@keyhaven/identity'
import { startOidcProvider } from '../../test/kit/oidc.ts'
import { startMailServer } from '../../test/kit/smtp.ts'
import { createSoftHsm, type TestHsm } from '../../test/kit/softhsm.ts'
import { authenticatePeople, revoke } from './identity-authentication.ts'
import { setUpPartners } from './identity-partners.ts'
import { type Cast, castOf } from './identity-people.ts'
import { enrol } from './identity-registration.ts'
import { rotatePool } from './identity-rotation.ts'
import { type IdentityPlace, REDIRECT, startScene } from './identity-scene.ts'
import { whatRolesHold } from './identity-seen.ts'
import { shareWithPartners } from './identity-shares.ts'
import { startSubscriber } from './identity-subscribers.ts'
import { theft } from './identity-theft.ts'
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
    const [oidc, mail, cast] = await Promise.all([startOidcProvider(REDIRECT), startMailServer(), castOf()])
    opened.push(oidc, mail)
    const place: IdentityPlace = { tour, folder, oidc, mail, hsm, opened }
    await profileTour(place, cast, 'mosip', people)
    await profileTour(place, cast, 'keyhaven', Math.min(people, KEYHAVEN_PEOPLE))
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
  } catch {
    tour.say('SoftHSM 2 is not installed: root, module and master keys lie wrapped in each database instead')
    return undefined
  }
}

async function profileTour(place: IdentityPlace, cast: Cast, profile: Profile, count: number) {
  const scene = await startScene(place, profile)
  const abis = await startSubscriber(cast.abis)
  const print = await startSubscriber(cast.print)
  place.opened.push(abis, print)
  const keys = await setUpPartners(scene, cast, { abis: abis.url, print: print.url })
  const enrolled = await enrol(scene, cast, count)
  const shared = await shareWithPartners(scene, cast, { abis, print }, enrolled)
  const { people } = shared
  const desk = await authenticatePeople(scene, cast, keys, people)
  await rotatePool(scene, desk, people)
  await revoke(scene, cast, desk, people[0]!)
  await Promise.all([scene.main.stop(), scene.ida.stop(), scene.oprf?.stop()])
  await theft(scene, people)
  await whatRolesHold(scene, cast, shared)
}
