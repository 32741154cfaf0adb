import { fromUtf8, KeyhavenError, overwrite } from '@keyhaven/crypto'
import { encodeCbeff } from '../../biometrics/encode-cbeff.ts'
import type { PartnerType } from '../../partners/partner-types.ts'
import type { FilteredData } from '../../policy/filter-attributes.ts'
import {
  CREDENTIAL_EVENT_TYPE,
  type NewCredentialEvent,
  type VaultIdentifier,
} from '../../vault/credential-event.ts'
import { encodeCredentialPayload } from '../../vault/credential-payload.ts'
import { generationOf } from '../../vault/pool-index.ts'
import type { SealedGroup, VaultSubject } from '../vault/issuer-vault.ts'
import { AUTH_CREDENTIAL, type CredentialOrder } from './credential-service.ts'
import type { CredentialServiceOptions } from './ports.ts'

const CREDENTIAL_TYPE = 'MOSIPVerifiableCredential'
/** An IDA. */
const VERIFIER: PartnerType = 'Online_Verification_Partner'

export interface MadeCredential {
  readonly result: {
    readonly credentialId: string
    readonly dataShareUri: string
    readonly generation: number | null
    readonly oprfKey: number | null
  }
  readonly event: NewCredentialEvent
}

/**
 * Makes one credential and its share: asks whether the partner may have it, filters the person's data, encrypts
 * it for an IDA (steps 3 to 6), signs it and shares it (step 7). Nothing is told to the partner yet: a share
 * that nobody is told of ends by itself.
 */
export async function makeCredential<Tx>(
  options: CredentialServiceOptions<Tx>,
  order: CredentialOrder,
  actor: string,
  issuedAt = options.clock(),
): Promise<MadeCredential> {
  const { policy, partner } = await options.decisions.decide({
    ...{ partnerId: order.partner, policyId: order.policyId, action: 'credential.issue', actor },
  })
  // An IDA must not read what a policy lets out to it only encrypted for each person; others could read nothing.
  if ((partner.type === VERIFIER) !== (order.credentialType === AUTH_CREDENTIAL)) {
    throw new KeyhavenError(
      'POLICY_REFUSED',
      `credentials of type ${AUTH_CREDENTIAL} are for partners of type ${VERIFIER}, and these get no others`,
    )
  }
  const person = await options.person(order.id, order.idType)
  const data = await options.datashare.filter(policy.body, person.identity, person.biometrics)
  const credentialId = options.newId()
  const sealed =
    order.credentialType === AUTH_CREDENTIAL
      ? await sealForIda(options, order, credentialId, data)
      : { subject: plainSubject(data), names: [] }
  const payload = encodeCredentialPayload({
    id: credentialId,
    type: [CREDENTIAL_TYPE],
    issuer: options.issuer,
    issuanceDate: new Date(issuedAt).toISOString(),
    issuedTo: order.partner,
    credentialSubject: sealed.subject,
    protectedAttributes: sealed.names,
    ...(sealed.vault && options.vault.profile === 'keyhaven' && { policy: order.policyId }),
  })
  const signature = await options.sign(payload)
  const { url } = await options.datashare.create({
    ...{ policyId: order.policyId, subscriberId: order.partner, data: payload, actor },
    filename: credentialId,
  })
  overwrite(payload)
  const { vault } = sealed
  const groups = vault ? [vault.demographics, vault.biometrics].filter((group) => group !== undefined) : []
  return {
    result: {
      credentialId,
      dataShareUri: url,
      generation: groups.length === 0 ? null : Math.min(...groups.map(({ index }) => generationOf(index))),
      oprfKey: vault?.identifier.oprfKey ?? null,
    },
    event: {
      id: options.newId(),
      transactionId: order.requestId,
      type: CREDENTIAL_EVENT_TYPE,
      timestamp: new Date(issuedAt).toISOString(),
      dataShareUri: url,
      ...(vault && { identifier: vault.identifier }),
      token: await options.token(order.id, order.partner),
      expiresAt: order.expiresAt === undefined ? null : new Date(order.expiresAt).toISOString(),
      transactionLimit: order.transactionLimit ?? null,
      ...(vault?.demographics && { demographics: vault.demographics }),
      ...(vault?.biometrics && { biometrics: vault.biometrics }),
      signature,
      credentialType: order.credentialType,
      protectionKey: '',
    },
  }
}

interface SealedCredential {
  readonly subject: Record<string, unknown>
  readonly names: readonly string[]
  readonly vault?: {
    readonly identifier: VaultIdentifier
    readonly demographics?: SealedGroup
    readonly biometrics?: SealedGroup
  }
}

/** Demographics and biometrics under a pool key each, in two calls, as MOSIP does it. */
async function sealForIda<Tx>(
  { vault }: CredentialServiceOptions<Tx>,
  order: CredentialOrder,
  record: string,
  data: FilteredData,
): Promise<SealedCredential> {
  const everything = vault.profile === 'keyhaven' // whatever the policy says, nothing lies there in clear
  const subject: Record<string, unknown> = {}
  const demographics = new Map<string, string>()
  const biometrics = new Map<string, string>()
  for (const [name, value] of Object.entries(data.attributes)) {
    if (everything || data.encrypted.includes(name)) demographics.set(name, textOf(value))
    else subject[name] = value
  }
  for (const [name, record] of Object.entries(data.biometrics)) {
    const split = splitBiometrics(record.birs)
    for (const [identifier, cbeff] of split) {
      if (everything || data.encrypted.includes(name)) biometrics.set(identifier, cbeff)
      else subject[identifier] = cbeff
    }
  }
  const person = await vault.subject(order.id, order.requestId)
  try {
    const place = { record, partner: order.partner, policy: order.policyId }
    const sealed = {
      ...(demographics.size > 0 && { demographics: await person.seal(place, demographics) }),
      ...(biometrics.size > 0 && { biometrics: await person.seal(place, biometrics) }),
    }
    return assemble(person, subject, sealed)
  } finally {
    person.close()
  }
}

function assemble(
  { identifier }: VaultSubject,
  subject: Record<string, unknown>,
  sealed: { readonly demographics?: SealedGroup; readonly biometrics?: SealedGroup },
): SealedCredential {
  const names: string[] = []
  for (const group of [sealed.demographics, sealed.biometrics]) {
    for (const [name, value] of group?.values ?? []) {
      subject[name] = value
      names.push(name)
    }
  }
  if (names.length === 0) {
    throw new KeyhavenError('POLICY_REFUSED', 'the policy lets nothing out that an IDA could match')
  }
  return { subject, names, vault: { identifier, ...sealed } }
}

/** One CBEFF file for each finger, eye and face: `Finger_Left Thumb`, `Iris_Right`, `Face`. */
function splitBiometrics(birs: FilteredData['biometrics'][string]['birs']): Map<string, string> {
  const split = new Map<string, string>()
  for (const bir of birs) {
    const name = bir.subtypes.length === 0 ? bir.type : `${bir.type}_${bir.subtypes.join(' ')}`
    split.set(name, fromUtf8(encodeCbeff({ birs: [bir] })))
  }
  return split
}

/** Demographics as they are; biometrics whole, as CBEFF: the share itself is encrypted to the partner. */
function plainSubject({ attributes, biometrics }: FilteredData): Record<string, unknown> {
  const records = Object.entries(biometrics).map(([name, record]) => [name, fromUtf8(encodeCbeff(record))])
  return { ...attributes, ...Object.fromEntries(records) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
