import { backend } from '@keyhaven/crypto'
import {
  createRelyingParty,
  type LanguageValue,
  parseCertificate,
  type RelyingParty,
  type RelyingPartyOptions,
} from '@keyhaven/identity'
import type { SimulatedPerson } from '@keyhaven/identity/simulator'
import { type CallKeys, certificateOfIda } from './identity-partners.ts'
import { type Cast, type Holder, pemOf, privateKeyPem } from './identity-people.ts'
import type { IdentityScene } from './identity-scene.ts'
import type { Numbered } from './identity-shares.ts'
import { ENVIRONMENT, REGISTERED_PARTS } from './identity-station.ts'

const DOMAIN_URI = 'https://bank.example'

/** A relying party, and the last call that it made: to be sent again, or altered. */
export interface Desk {
  readonly party: RelyingParty
  readonly last: () => Call
}

/** A call of a relying party, as it was sent. */
export interface Call {
  readonly url: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export async function openDesk(scene: IdentityScene, holder: Holder, keys: CallKeys): Promise<Desk> {
  const { ida, profile } = scene
  const { certificate: idaRoots } = await certificateOfIda(ida, 'ROOT', '')
  let last: Call | undefined
  const options: RelyingPartyOptions = {
    ...{ url: ida.identityUrl, profile, partnerId: holder.name, idaRoots, ...keys },
    ...{ certificate: pemOf(holder), privateKey: await privateKeyPem(holder) },
    ...{ env: ENVIRONMENT, domainUri: DOMAIN_URI },
    encryptionKey: await backend.kem.exportPrivateKey(holder.kem.privateKey),
    fetch: (url, init) => {
      if (init?.method === 'POST') last = { url: String(url), ...(init as Omit<Call, 'url'>) }
      return fetch(url, init)
    },
  }
  return { party: await createRelyingParty(options), last: () => last! }
}

/** What a clerk would type in. */
export function claimsOf({ fields }: SimulatedPerson): { name: readonly LanguageValue[]; dob: string } {
  return { name: fields.fullName, dob: fields.dateOfBirth }
}

/** Authenticates, runs eKYC, and is refused whatever should be. */
export async function authenticatePeople(
  scene: IdentityScene,
  cast: Cast,
  keys: CallKeys,
  people: readonly Numbered[],
): Promise<Desk> {
  const { tour, profile, ida } = scene
  tour.chapter(`${profile} 3. Relying parties ask: is it this person?`)
  const { matcher } = await ida.admin<{ matcher: string }>('GET', '/identity/authentication')
  tour.say(`biometrics are compared by: ${matcher}`)
  const desk = await openDesk(scene, cast.bank, keys)
  const { party } = desk
  const begun = performance.now()
  let yes = 0
  const tokens = new Set<string>()
  for (const { uin, person } of people) {
    const { authenticated, token } = await party.authenticate({ id: uin, demographics: claimsOf(person) })
    if (authenticated) yes += 1
    if (token !== undefined) tokens.add(token)
  }
  const each = ((performance.now() - begun) / people.length).toFixed(0)
  tour.claim(
    yes === people.length && tokens.size === people.length,
    `by UIN, name and birthday: ${yes} of ${people.length} are themselves, ${each} ms each; each has another ` +
      'token for this bank',
  )
  await otherWays(scene, cast, desk, people)
  return desk
}

async function otherWays(
  scene: IdentityScene,
  cast: Cast,
  { party }: Desk,
  people: readonly Numbered[],
): Promise<void> {
  const { tour, mail } = scene
  const [{ uin, vid, person }] = people as readonly [Numbered]
  const byUin = await party.authenticate({ id: uin, demographics: claimsOf(person) })
  const byVid = await party.authenticate({ id: vid ?? '', idType: 'VID', demographics: claimsOf(person) })
  tour.claim(
    byVid.authenticated && byVid.token === byUin.token,
    `by VID: ${said(byVid)}; the token is the same as by UIN`,
  )
  const capture = await captures(scene, cast)
  const own = party.newTransactionId()
  const others = party.newTransactionId()
  const right = await party.authenticate({
    ...{ id: uin, transactionId: own, biometrics: await capture(person.seed, own) },
  })
  const wrong = await party.authenticate({
    ...{ id: uin, transactionId: others, biometrics: await capture(people[1]!.person.seed, others) },
  })
  tour.claim(
    right.authenticated && !wrong.authenticated,
    `by simulated face and fingers, encrypted in the device: ${said(right)}; those of somebody else: ${said(wrong)}`,
  )
  const asked = await party.requestOtp({ id: uin, channels: ['EMAIL'] })
  const letter = await mail.next(person.fields.email)
  const otp = /\b\d{6}\b/.exec(letter.text)?.[0] ?? ''
  const once = await party.authenticate({ id: uin, otp, transactionId: asked.transactionId })
  const twice = await party.authenticate({ id: uin, otp, transactionId: asked.transactionId })
  tour.claim(
    asked.sent && once.authenticated && !twice.authenticated,
    `by a one-time password that came by e-mail: ${said(once)}; the same once more: ${said(twice)}`,
  )
  const kyc = await party.kyc({ id: uin, demographics: claimsOf(person), consent: true })
  const { fullName, dateOfBirth } = person.fields
  const names = Object.keys(kyc.identity ?? {})
  tour.claim(
    JSON.stringify(kyc.identity?.fullName) === JSON.stringify(fullName) &&
      kyc.identity?.dateOfBirth === dateOfBirth &&
      !names.includes('phone'),
    `eKYC: the bank opens ${names.join(', ')} and nothing else, with its own key`,
  )
  const noConsent = await party.kyc({ id: uin, demographics: claimsOf(person), consent: false })
  tour.claim(noConsent.identity === undefined, `eKYC without consent: ${said(noConsent)}`)
}

async function captures({ ida }: IdentityScene, { finger, face }: Cast) {
  const k21 = parseCertificate((await certificateOfIda(ida, 'IDA', 'FIR')).certificate)
  const recipient = { thumbprint: k21.thumbprint, publicKey: k21.publicKey }
  return async (person: string, transactionId: string) => {
    const request = {
      ...({ purpose: 'Auth', transactionId, env: ENVIRONMENT, domainUri: DOMAIN_URI } as const),
      requestedAt: Date.now(),
    }
    const two = REGISTERED_PARTS.filter(({ type }) => type === 'Finger').slice(0, 2)
    const first = await finger.capture({ request, person, parts: two, recipient })
    const chained = { ...request, previousHash: first.biometrics.at(-1)!.hash }
    const parts = REGISTERED_PARTS.filter(({ type }) => type === 'Face')
    const second = await face.capture({ request: chained, person, parts, recipient })
    return [...first.biometrics, ...second.biometrics].map(({ data, hash, sessionKey, thumbprint }) => ({
      ...{ data, hash, specVersion: '1.0.0' },
      ...{ sessionKey: sessionKey ?? '', thumbprint: thumbprint ?? '' },
    }))
  }
}

/** yes, or the codes that it was refused with. */
export function said(result: {
  readonly authenticated: boolean
  readonly errors: readonly { readonly errorCode: string }[]
}): string {
  if (result.authenticated) return 'yes'
  return [...new Set(result.errors.map(({ errorCode }) => errorCode))].join(' ') || 'no'
}
