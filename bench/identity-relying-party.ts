import { randomUUID } from 'node:crypto'
import { backend } from '@keyhaven/crypto'
import { keyName, type RelyingParty } from '@keyhaven/identity'
import { createSimulatedDevice } from '@keyhaven/identity/simulator'
import { type AuthWorld, DOMAIN_URI, ENV } from '../test/kit/identity-authentication.ts'
import { personOf } from '../test/kit/identity-vault.ts'
import { httpPost } from './http-load.ts'

const THUMB = { type: 'Finger', subtype: 'Left Thumb' } as const

/**
 * Makes a whole request of a relying party, of its own transaction, for the person with this number.
 *
 * @param claimant - who is described and stands before the device. @defaultValue the person
 */
export type RequestMaker = (kind: 'auth' | 'kyc', id: string, claimant?: string) => Promise<Uint8Array>

/**
 * A relying party with a simulated L1 fingerprint scanner. What its program sends for a call is caught before it
 * goes out: name, date of birth and a captured thumb, encrypted, signed.
 *
 * @param url - of the IDA, which is asked for its certificate or key.
 */
export async function createRequestMaker(world: AuthWorld, url: string): Promise<RequestMaker> {
  const caught: Uint8Array[] = []
  const party = await world.relyingParty({
    url,
    clock: Date.now,
    fetch: async (input, init) => {
      if (init?.method !== 'POST') return fetch(input, init)
      const { 'content-type': type = '', ...headers } = init.headers as Record<string, string>
      const { pathname } = new URL(String(input))
      caught.push(httpPost(pathname, type, Buffer.from(String(init.body)), headers))
      throw new TypeError('caught')
    },
  })
  const device = await createSimulatedDevice(backend, {
    ...{ trust: world.devices, type: 'Finger', level: 'L1', serialNo: randomUUID(), now: Date.now },
  })
  const recipient = await world.vault.keys.ida.recipient(keyName('IDA', 'FIR'))

  return async (kind, id, claimant = id) => {
    const transactionId = party.newTransactionId()
    const request = {
      ...({ purpose: 'Auth', transactionId, env: ENV, domainUri: DOMAIN_URI } as const),
      requestedAt: Date.now(),
    }
    const { biometrics } = await device.capture({ request, person: claimant, parts: [THUMB], recipient })
    const claims = { id, transactionId, demographics: demographicsOf(claimant), biometrics }
    await send(party, kind, claims).catch(() => undefined)
    const sent = caught.pop()
    if (sent === undefined) throw new Error('nothing was sent')
    return sent
  }
}

function send(party: RelyingParty, kind: 'auth' | 'kyc', claims: object): Promise<unknown> {
  const asked = claims as Parameters<RelyingParty['authenticate']>[0]
  return kind === 'auth' ? party.authenticate(asked) : party.kyc({ ...asked, consent: true })
}

/** Making a person up takes longer than everything else here. */
const known = new Map<string, ReturnType<typeof madeUp>>()

function demographicsOf(id: string): ReturnType<typeof madeUp> {
  const demographics = known.get(id) ?? madeUp(id)
  known.set(id, demographics)
  return demographics
}

function madeUp(id: string) {
  const { fullName, dateOfBirth } = personOf(id).identity as {
    fullName: { language: string; value: string }[]
    dateOfBirth: string
  }
  return { name: fullName, dob: dateOfBirth }
}
