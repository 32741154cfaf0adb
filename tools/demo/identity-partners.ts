import { certificateToPem, type PartnerType, parseCertificate, signEncryptionKey } from '@keyhaven/identity'
import type { Cast, Holder } from './identity-people.ts'
import { pemOf } from './identity-people.ts'
import { IDA_PARTNER, IDENTITY, type IdentityScene, OPRF_PARTNER, signIn } from './identity-scene.ts'
import type { KeyServer } from './key-server.ts'

export const MISP_GROUP = 'demo-misp'
const MISP_POLICY = 'demo-misp-calls'
const IDA_CALLBACK = '/idauthentication/v1/callback/events'
const REASON = 'contract of the demo'
export const POLICIES = {
  ida: 'mpolicy-default-auth',
  abis: 'mpolicy-default-abis',
  print: 'mpolicy-default-euin',
  bank: 'mpolicy-default-relying-party',
} as const
export const BANK_GROUP = 'mpolicygroup-default-relying-party'

/** What a relying party calls with. */
export interface CallKeys {
  readonly apiKey: string
  readonly licenceKey: string
}

/** MOSIP's envelope of the partner manager, for somebody who is signed in. */
export async function partnerManager<T>(
  main: KeyServer,
  token: string,
  method: string,
  path: string,
  request?: object,
): Promise<{
  readonly response: T
  readonly errors: readonly { errorCode: string; message: string }[] | null
}> {
  const answer = await fetch(`${main.identityUrl}/v1/partnermanager${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(request && { body: JSON.stringify({ request }) }),
  })
  return (await answer.json()) as never
}

/** Trust, policies, partners: by an operator, and by the people of each partner. @returns keys of the bank. */
export async function setUpPartners(
  scene: IdentityScene,
  cast: Cast,
  webhooks: Readonly<Record<'abis' | 'print', string>>,
): Promise<CallKeys> {
  const { tour, main, ida, oprf } = scene
  await trust(main, cast)
  await main.admin('POST', `${IDENTITY}/policies/defaults`, {})
  await main.admin('POST', `${IDENTITY}/policy-groups`, { id: MISP_GROUP, name: MISP_GROUP, description: '' })
  await main.admin('POST', `${IDENTITY}/policies`, {
    ...{ id: MISP_POLICY, groupId: MISP_GROUP, name: MISP_POLICY, description: '', type: 'MISP' },
    document: { allowAuthRequestDelegation: true, allowKycRequestDelegation: true },
  })
  await main.admin('POST', `${IDENTITY}/policies/${MISP_POLICY}/publish`, {})
  await addIda(scene)
  tour.chapter(`${scene.profile} 0. Partners, and the pool of keys`)
  const begun = performance.now()
  const { keys } = await main.admin<{ keys: number }>('POST', '/identity/vault/pool')
  const milliseconds = (performance.now() - begun).toFixed(0)
  tour.claim(keys === 10_000, `the issuer's pool: ${keys} keys, each wrapped by K9, in ${milliseconds} ms`)
  if (oprf !== undefined) await addOprf(scene, oprf)

  await register(scene, cast.abis, 'ABIS_Partner', 'mpolicygroup-default-abis')
  await register(scene, cast.print, 'Print_Partner', 'mpolicygroup-default-print')
  await register(scene, cast.bank, 'Auth_Partner', BANK_GROUP)
  await register(scene, cast.newcomer, 'Auth_Partner', BANK_GROUP)
  await register(scene, cast.misp, 'MISP_Partner', MISP_GROUP)
  await subscribe(scene, cast.abis, POLICIES.abis)
  await subscribe(scene, cast.print, POLICIES.print)
  await subscribe(scene, cast.bank, POLICIES.bank)
  await subscribe(scene, cast.misp, MISP_POLICY)
  for (const name of ['abis', 'print'] as const) {
    await main.admin('POST', `${IDENTITY}/partners/${cast[name].name}/webhook`, { url: webhooks[name] })
  }
  const own = await signIn(scene, 'grace', 'partner', cast.bank.organisation)
  const { response } = await partnerManager<{ apiKey: string }>(
    main,
    own,
    'PATCH',
    `/partners/${cast.bank.name}/generate/apikey`,
    { policyName: POLICIES.bank, label: 'demo' },
  )
  const licence = await main.admin<{ key: string }>(
    'POST',
    `${IDENTITY}/partners/${cast.misp.name}/licences`,
    {},
  )
  const { items } = await ida.admin<{ items: { id: string }[] }>('GET', '/identity/authentication/partners')
  tour.say(
    `partners registered by their own people, signed in by OpenID Connect, approved by an operator; IDA ` +
      `has heard of ${items.length} of them by now`,
  )
  return { apiKey: response.apiKey, licenceKey: licence.key }
}

async function trust(main: KeyServer, { authority, trust: devices }: Cast): Promise<void> {
  const pems = {
    AUTH: pemOf(authority),
    DEVICE: devices.anchors.device.map(certificateToPem).join(''),
    FTM: devices.anchors.ftm.map(certificateToPem).join(''),
  }
  for (const [domain, pem] of Object.entries(pems)) {
    await main.admin('POST', `${IDENTITY}/authorities`, { domain, pem })
  }
}

/** IDA is a partner of the issuer, with a key and certificate that it made itself (PK8). */
async function addIda({ main, ida }: IdentityScene): Promise<void> {
  const key = await ida.admin<{ certificate: string; chain: string; encryptionKey: string }>(
    'GET',
    '/identity/authentication/partner-key',
  )
  await main.admin('POST', `${IDENTITY}/authorities`, { domain: 'AUTH', pem: key.chain })
  const [organisation = ''] = parseCertificate(key.certificate).organisations
  await addVerifier(main, IDA_PARTNER, organisation, ida)
  await main.admin('POST', `${IDENTITY}/partners/${IDA_PARTNER}/certificate`, { pem: key.certificate })
  await main.admin('POST', `${IDENTITY}/partners/${IDA_PARTNER}/encryption-key`, {
    statement: key.encryptionKey,
  })
  const { certificate } = await certificateOfIda(ida, 'IDA', 'CRED_SERVICE')
  await main.admin('POST', '/identity/vault/recipients', { partner: IDA_PARTNER, certificate })
  const { id } = await main.admin<{ id: string }>('POST', `${IDENTITY}/subscriptions`, {
    ...{ partnerId: IDA_PARTNER, policyId: POLICIES.ida, purpose: 'authentication' },
  })
  await main.admin('POST', `${IDENTITY}/subscriptions/${id}/decide`, { approve: true, reason: REASON })
}

/** The oblivious PRF hears of authorities as an IDA does, and of nobody's data. */
async function addOprf({ main }: IdentityScene, oprf: KeyServer): Promise<void> {
  const certificate = await rootOf(main)
  await oprf.admin('PUT', '/identity/authentication/issuer', { certificate })
  await addVerifier(main, OPRF_PARTNER, 'Invented OPRF', oprf)
}

/** The issuer's root, PEM: whatever it signs leads to it. */
export async function rootOf(main: KeyServer): Promise<string> {
  const root = await fetch(`${main.identityUrl}/v1/keymanager/getCertificate?applicationId=ROOT`)
  const { response, errors } = (await root.json()) as {
    response: { certificate: string } | null
    errors: unknown
  }
  if (response === null) throw new Error(`the issuer's root: ${JSON.stringify(errors)}\n${main.log()}`)
  return response.certificate
}

async function addVerifier(
  main: KeyServer,
  id: string,
  organisation: string,
  server: KeyServer,
): Promise<void> {
  const groupId = 'mpolicygroup-default-auth'
  await main.admin('POST', `${IDENTITY}/partners`, {
    ...{ id, organisation, groupId, type: 'Online_Verification_Partner' },
  })
  const url = server.identityUrl + IDA_CALLBACK
  await main.admin('POST', `${IDENTITY}/partners/${id}/webhook`, { url })
  await main.admin('POST', `${IDENTITY}/partners/${id}/state`, { active: true, reason: REASON })
}

/** @returns its certificate and those above it, PEM. */
export async function certificateOfIda(ida: KeyServer, applicationId: string, referenceId: string) {
  const query = new URLSearchParams({ applicationId, referenceId })
  const answer = await fetch(`${ida.identityUrl}/idauthentication/v1/internal/getCertificate?${query}`)
  return ((await answer.json()) as { response: { certificate: string; chain: string[] } }).response
}

/** By somebody of the partner's organisation; an operator makes it active. */
async function register(scene: IdentityScene, holder: Holder, partnerType: PartnerType, policyGroup: string) {
  const { main, profile } = scene
  const { name, organisation } = holder
  const own = await signIn(scene, 'grace', 'partner', organisation)
  const call = async (method: string, path: string, request: object) => {
    const { errors } = await partnerManager(main, own, method, path, request)
    if (errors !== null) throw new Error(`${path} of ${name}: ${JSON.stringify(errors)}`)
  }
  await call('POST', '/partners', {
    partnerId: name,
    organizationName: organisation,
    partnerType,
    policyGroup,
  })
  await call('POST', '/partners/certificate/upload', { partnerId: name, certificateData: pemOf(holder) })
  if (profile === 'keyhaven') {
    const statement = await signEncryptionKey(holder.signer, name, holder.kem.publicKey.bytes)
    await call('POST', `/partners/${name}/encryption-key`, { statement })
  }
  await main.admin('POST', `${IDENTITY}/partners/${name}/state`, { active: true, reason: REASON })
}

async function subscribe(scene: IdentityScene, { name, organisation }: Holder, policyName: string) {
  const own = await signIn(scene, 'grace', 'partner', organisation)
  const { response } = await partnerManager<{ mappingkey: string }>(
    scene.main,
    own,
    'POST',
    `/partners/${name}/policy/map`,
    { policyName, useCaseDescription: 'demo' },
  )
  const decision = { approve: true, reason: REASON }
  await scene.main.admin('POST', `${IDENTITY}/subscriptions/${response.mappingkey}/decide`, decision)
}
