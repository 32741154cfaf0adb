import { backend } from '@keyhaven/crypto'
import {
  createRelyingParty,
  type LanguageValue,
  parseCertificate,
  type RelyingParty,
  type RelyingPartyOptions,
  SIGNATURE_HEADER,
  signDetachedJws,
} from '@keyhaven/identity'
import { createSimulatedDevice, type SimulatedPerson } from '@keyhaven/identity/simulator'
import { type CallKeys, certificateOfIda, POLICIES, partnerManager } from './identity-partners.ts'
import { type Cast, type Holder, pemOf, privateKeyPem } from './identity-people.ts'
import { IDENTITY, type IdentityScene, signIn, until } from './identity-scene.ts'
import type { Numbered } from './identity-shares.ts'
import { ENVIRONMENT, REGISTERED_PARTS } from './identity-station.ts'

const DOMAIN_URI = 'https://bank.example'

/** A relying party, and the last call that it made: to be sent again, or altered. */
export interface Desk {
  readonly party: RelyingParty
  readonly last: () => Call
}

interface Call {
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
  await refusals(scene, cast, desk, people, keys)
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

async function captures({ ida }: IdentityScene, { devices: trust }: Cast) {
  const k21 = parseCertificate((await certificateOfIda(ida, 'IDA', 'FIR')).certificate)
  const recipient = { thumbprint: k21.thumbprint, publicKey: k21.publicKey }
  const device = async (type: 'Finger' | 'Face') =>
    createSimulatedDevice(backend, { trust, type, level: 'L1', serialNo: `BANK-${type}`, now: Date.now })
  const [finger, face] = [await device('Finger'), await device('Face')]
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

async function refusals(
  scene: IdentityScene,
  cast: Cast,
  { party, last }: Desk,
  people: readonly Numbered[],
  keys: CallKeys,
): Promise<void> {
  const { tour, main } = scene
  const [{ uin, person }, other] = people as readonly [Numbered, Numbered]
  const wrong = await party.authenticate({ id: uin, demographics: claimsOf(other.person) })
  const unknown = await party.authenticate({ id: '4999999994', demographics: claimsOf(other.person) })
  tour.claim(
    !wrong.authenticated && said(wrong) === said(unknown),
    `the wrong person: ${said(wrong)}; somebody who is not enrolled: the same`,
  )
  await party.authenticate({ id: uin, demographics: claimsOf(person) })
  const call = last()
  const replayed = await send(call)
  const body = alter(call.body)
  const altered = await send({ ...call, body })
  const signature = await signDetachedJws(cast.bank.signer, body)
  const signed = await send({ ...call, body, headers: { ...call.headers, [SIGNATURE_HEADER]: signature } })
  tour.claim(
    [replayed, altered, signed].every((codes) => codes.startsWith('IDA-')),
    `the same request again: ${replayed}; altered: ${altered}; altered and signed anew: ${signed}`,
  )
  const own = await signIn(scene, 'grace', 'partner', cast.newcomer.organisation)
  const key = await partnerManager(main, own, 'PATCH', `/partners/${cast.newcomer.name}/generate/apikey`, {
    ...{ policyName: POLICIES.bank, label: 'demo' },
  })
  const newcomer = await openDesk(scene, cast.newcomer, keys)
  const borrowed = await newcomer.party.authenticate({ id: uin, demographics: claimsOf(person) })
  tour.claim(
    key.errors?.[0]?.errorCode === 'PMS_PRT_061' && !borrowed.authenticated && borrowed.errors.length > 0,
    `a partner without policy gets no API key (${key.errors?.[0]?.errorCode}), and with that of the bank: ` +
      said(borrowed),
  )
}

/** The last partner's certificate, then the partner itself: refused from the next request on. */
export async function revoke(
  scene: IdentityScene,
  { bank }: Cast,
  { party }: Desk,
  { uin, person }: Numbered,
): Promise<void> {
  const { tour, main } = scene
  const ask = () => party.authenticate({ id: uin, demographics: claimsOf(person) })
  const before = await ask()
  const thumbprint = Buffer.from(bank.certificate.thumbprint).toString('hex')
  const begun = performance.now()
  await main.admin('POST', `${IDENTITY}/certificates/${thumbprint}/revoke`, { reason: 'key lost' })
  const after = await until(ask, ({ authenticated }) => !authenticated)
  const milliseconds = (performance.now() - begun).toFixed(0)
  tour.claim(
    before.authenticated && after !== undefined,
    `the bank's certificate is revoked: before ${said(before)}, after ${milliseconds} ms ` +
      `${after === undefined ? 'still yes' : said(after)}`,
  )
}

/** yes, or the codes that it was refused with. */
export function said(result: {
  readonly authenticated: boolean
  readonly errors: readonly { readonly errorCode: string }[]
}): string {
  if (result.authenticated) return 'yes'
  return [...new Set(result.errors.map(({ errorCode }) => errorCode))].join(' ') || 'no'
}

async function send({ url, headers, body }: Call): Promise<string> {
  const answer = await fetch(url, { method: 'POST', headers, body })
  const { errors } = (await answer.json()) as { errors: readonly { errorCode: string }[] | null }
  return errors?.map(({ errorCode }) => errorCode).join(' ') ?? 'yes'
}

/** One character within what is encrypted. */
function alter(body: string): string {
  const parsed = JSON.parse(body) as { request: string }
  const at = Math.floor(parsed.request.length / 2)
  const changed = parsed.request[at] === 'A' ? 'B' : 'A'
  return JSON.stringify({
    ...parsed,
    transactionID: 'ALTERED001',
    request: parsed.request.slice(0, at) + changed + parsed.request.slice(at + 1),
  })
}
