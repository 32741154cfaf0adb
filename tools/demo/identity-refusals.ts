import { backend } from '@keyhaven/crypto'
import { drawUin, SIGNATURE_HEADER, signDetachedJws } from '@keyhaven/identity'
import { type Call, claimsOf, type Desk, openDesk, said } from './identity-authentication.ts'
import { type CallKeys, POLICIES, partnerManager } from './identity-partners.ts'
import type { Cast } from './identity-people.ts'
import { IDENTITY, type IdentityScene, signIn, until } from './identity-scene.ts'
import type { Numbered } from './identity-shares.ts'

/** Whatever should be refused, and how. */
export async function refuseOthers(
  scene: IdentityScene,
  cast: Cast,
  { party, last }: Desk,
  people: readonly Numbered[],
  keys: CallKeys,
): Promise<void> {
  const { tour, main } = scene
  const [{ uin, person }, other] = people as readonly [Numbered, Numbered]
  const wrong = await party.authenticate({ id: uin, demographics: claimsOf(other.person) })
  const unknown = await party.authenticate({ id: drawUin(backend), demographics: claimsOf(other.person) })
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

/** A partner is switched off, and on again; then its certificate is revoked, which is for ever. */
export async function revoke(
  scene: IdentityScene,
  { bank }: Cast,
  { party }: Desk,
  { uin, person }: Numbered,
): Promise<void> {
  const { tour, main } = scene
  const ask = () => party.authenticate({ id: uin, demographics: claimsOf(person) })
  /** @returns what was answered, as soon as it was another answer; and how long that took. */
  const after = async (path: string, body: object, becomes: boolean) => {
    const begun = performance.now()
    await main.admin('POST', IDENTITY + path, body)
    const answer = await until(ask, ({ authenticated }) => authenticated === becomes)
    const milliseconds = (performance.now() - begun).toFixed(0)
    return { isSo: answer !== undefined, text: `${answer && said(answer)} after ${milliseconds} ms` }
  }
  const setActive = (active: boolean) =>
    after(`/partners/${bank.name}/state`, { active, reason: 'a dispute' }, active)
  const [off, on] = [await setActive(false), await setActive(true)]
  const thumbprint = Buffer.from(bank.certificate.thumbprint).toString('hex')
  const ended = await after(`/certificates/${thumbprint}/revoke`, { reason: 'key lost' }, false)
  tour.claim(
    off.isSo && on.isSo && ended.isSo,
    `the bank is switched off: ${off.text}; on again: ${on.text}; its certificate is revoked: ${ended.text}`,
  )
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
