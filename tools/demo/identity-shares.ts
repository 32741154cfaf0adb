import { isUin, isVid, parseCbeff } from '@keyhaven/identity'
import type { Cast } from './identity-people.ts'
import type { Enrolled } from './identity-registration.ts'
import { IDENTITY, type IdentityScene, until } from './identity-scene.ts'
import { type Reader, readerOf, type Subscriber } from './identity-subscribers.ts'
import { outcome } from './messaging-scene.ts'

/** Who has a number by now. */
export interface Numbered extends Enrolled {
  readonly uin: string
  /** Of a few people. */
  readonly vid: string | undefined
}

export interface Shared {
  readonly people: readonly Numbered[]
  /** What ABIS opened: CBEFF. */
  readonly templates: readonly Uint8Array[]
  /** What the printer opened: JSON. */
  readonly cards: readonly Uint8Array[]
}

const VIDS = 2

export interface VaultStatus {
  readonly generations: readonly { readonly generation: number; readonly keys: number }[]
  readonly openConflicts: number
  /** People, at IDA. */
  readonly records: number
  readonly recordsOfOldGenerations: number
}

/** What ABIS, printer and IDA get: each its own, each once, each encrypted to it alone. */
export async function shareWithPartners(
  scene: IdentityScene,
  cast: Cast,
  subscribers: Readonly<Record<'abis' | 'print', Subscriber>>,
  enrolled: readonly Enrolled[],
): Promise<Shared> {
  const { tour, profile, ida, main } = scene
  tour.chapter(`${profile} 2. Credentials for ABIS, printer and IDA, by datashare and signed events`)
  const { abis, print } = subscribers
  const count = enrolled.length
  await until(
    () => Math.min(abis.received.length, print.received.length),
    (least) => least >= count,
  )
  const [abisReads, printReads] = [await readerOf(scene, cast.abis), await readerOf(scene, cast.print)]
  const templates = await readAll(abis, abisReads)
  const birs = templates.data.map((data) => parseCbeff(data).birs)
  tour.claim(
    new Set(templates.events.map(({ event }) => event.transactionId)).size >= count &&
      birs.every((person) => person.every(({ level }) => level !== 'Raw')) &&
      templates.data.every((data) => !Buffer.from(data).includes('fullName')),
    `ABIS: ${templates.events.length} signed events, ${birs.length} shares of ${birs[0]?.length ?? 0} ` +
      'templates each, who came twice among them: no name, no number, no image',
  )
  const cards = await readAll(print, printReads)
  const subjects = cards.data.map((data) => subjectOf(data))
  const people = await numbered(scene, enrolled, cards.events, subjects)
  tour.claim(
    people.length === count && new Set(people.map(({ uin }) => uin)).size === count,
    `printer: ${cards.events.length} signed events, ${subjects.length} cards, each with a UIN that nobody ` +
      `else has, such as ${people[0]?.uin.replace(/^\d{6}/, '••••••')}; of the birthday only the year ` +
      `(${String(subjects[0]?.dateOfBirth)})`,
  )
  const [url = ''] = cards.urls
  const second = await printReads.read(url)
  const third = await printReads.read(url)
  const asAbis = await outcome(abisReads.read(cards.urls[1] ?? '').then(({ data }) => data ?? 'refused'))
  const { items } = await main.admin<{ items: { subscriberId: string; remaining: number }[] }>(
    'GET',
    `${IDENTITY}/shares?limit=200`,
  )
  const spent = items.filter((one) => one.subscriberId === cast.print.name && one.remaining === 0)
  tour.claim(
    second.data !== undefined && third.data === undefined && spent.length === 1 && asAbis === 'refused',
    `a share may be read twice: the third read is refused, and so is ABIS at the printer's share`,
  )
  const known = await until(
    () => ida.admin<VaultStatus>('GET', '/identity/vault'),
    ({ records }) => records >= count + people.filter(({ vid }) => vid !== undefined).length,
  )
  const vids = people.flatMap(({ vid }) => vid ?? [])
  tour.claim(
    known !== undefined &&
      known.openConflicts === 0 &&
      vids.every(isVid) &&
      people.every(({ uin }) => isUin(uin)),
    `IDA: ${count} people by UIN and ${vids.length} by VID have arrived, each under pool keys chosen at ` +
      `random: ${known?.generations[0]?.keys} of the issuer's 10,000 are here`,
  )
  return { people, templates: templates.data, cards: cards.data }
}

async function readAll({ received }: Subscriber, reader: Reader) {
  const models = await Promise.all(received.map((event) => reader.open(event)))
  // One that was not answered in time comes again.
  const events = [...new Map(models.map((model) => [model.event.id, model])).values()]
  const urls = events.map(({ event }) => event.dataShareUri ?? '')
  const data: Uint8Array[] = []
  for (const url of urls) {
    const { data: opened } = await reader.read(url)
    if (opened !== undefined) data.push(opened)
  }
  return { events, urls, data }
}

function subjectOf(data: Uint8Array): Record<string, unknown> {
  const { credentialSubject } = JSON.parse(Buffer.from(data).toString()) as {
    credentialSubject: Record<string, unknown>
  }
  return credentialSubject
}

/** The cards tell everybody their UIN; two people ask for a VID besides. */
async function numbered(
  { main }: IdentityScene,
  enrolled: readonly Enrolled[],
  events: readonly { readonly event: { readonly transactionId?: string } }[],
  subjects: readonly Record<string, unknown>[],
): Promise<Numbered[]> {
  const uins = new Map(
    events.map(({ event }, at) => [event.transactionId?.split('-')[0], String(subjects[at]?.UIN)]),
  )
  const people: Numbered[] = []
  for (const [at, one] of enrolled.entries()) {
    const uin = uins.get(one.rid)
    if (uin === undefined) continue
    const path = `${IDENTITY}/registrations/${one.rid}/vids`
    const vid =
      at < VIDS ? (await main.admin<{ vid: string }>('POST', path, { type: 'Perpetual' })).vid : undefined
    people.push({ ...one, uin, vid })
  }
  return people
}
