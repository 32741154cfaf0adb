import { type Conversation, openMessage } from '@keyhaven/conversations'
import { backend } from '@keyhaven/crypto'
import type { ChatPeople } from './conversations-devices.ts'
import { allOf, BEN, type ConversationScene, short } from './conversations-scene.ts'
import type { OnlineDevice } from './conversations-xmpp.ts'
import { MARKER, outcome } from './messaging-scene.ts'
import { keyAmong } from './watched-backend.ts'

const PATH = '/applications/demo/conversations'
const FORBIDDEN = 403
const OK = 200
const CONFLICT = 409

/** Real keys, and where they are known: what the searches at the end look for. */
export interface KnownKeys {
  /** The managed conversation, as anna's phone has it. */
  readonly managed: Conversation
  readonly sealedKey: Uint8Array
  readonly managedKey: Uint8Array
  /** What the operators were given: here, the managed key stands in clear. */
  readonly exported: string
}

/** Sealed and managed, side by side; and what two operators can do. */
export async function bothModes(
  scene: ConversationScene,
  { anna, annaLaptop, ben, chat }: ChatPeople,
): Promise<KnownKeys> {
  const { tour, server } = scene
  tour.chapter('5. Sealed and managed, side by side')
  const managed = await anna.me.conversations.create({ members: { [BEN]: 'member' }, mode: 'managed' })
  const texts = { sealed: `${MARKER}: sealed`, managed: `${MARKER}: managed` }
  await anna.adapter.send('ben@localhost', chat.id, texts.sealed)
  await anna.adapter.send('ben@localhost', managed.id, texts.managed)
  const both = [annaLaptop, ben]
  const got = await Promise.all(
    both.flatMap((device) => Object.values(texts).map((text) => device.shown((one) => one.text === text))),
  )
  const { [chat.id]: sealedId, [managed.id]: managedId } = Object.fromEntries(
    got.map((message) => [message?.conversation, message?.keyId]),
  )
  const theirs = await ben.me.conversations.open(managed.id)
  tour.claim(
    got.every((message) => message !== undefined) && theirs.mode === 'managed' && chat.mode === 'sealed',
    `the same devices read both; each app shows which is which, as the members have signed it`,
  )

  const tokens = await Promise.all(['first', 'second'].map((name) => operatorToken(scene, name)))
  const [one, two] = tokens as [string, string]
  const ask = (id: string) =>
    server.operator('POST', `${PATH}/${id}/exports`, { reason: 'court order 7' }, one)
  const refused = await ask(chat.id)
  const asked = await ask(managed.id)
  const path = `${PATH}/${managed.id}/exports/${asked.body.id}`
  const alone = [
    await server.operator('POST', `${path}/approve`, undefined, one),
    await server.operator('GET', `${path}/keys`, undefined, one),
  ]
  const approved = await server.operator('POST', `${path}/approve`, undefined, two)
  const fetched = await server.operator('GET', `${path}/keys`, undefined, one)
  const twice = await server.operator('GET', `${path}/keys`, undefined, two)
  const exported = JSON.stringify(fetched.body)
  const given = (fetched.body.items as { id: string; key: string }[] | undefined)?.find(
    ({ id }) => id === managedId,
  )
  const managedKey = Buffer.from(given?.key ?? '', 'base64url')
  const packet = await packetOf(ben, managedId ?? '')
  const opened = await outcome(
    openMessage(backend, keyContext(managed.id, managedId, managedKey), Buffer.from(packet, 'base64')).then(
      ({ content }) => Buffer.from(content).toString(),
    ),
  )
  const sealedPacket = await packetOf(ben, sealedId ?? '')
  const { bytes: _, ...context } = keyContext(chat.id, sealedId, managedKey)
  const [onDevices, onServer] = await Promise.all([
    keyAmong(
      scene.devices.flatMap(({ randoms }) => randoms),
      context,
      sealedPacket,
    ),
    keyAmong(givenKeys(fetched.body.items), context, sealedPacket),
  ])
  tour.sideBySide(
    {
      title: `sealed, key ${short(sealedId ?? '')}`,
      lines: [
        'made on a device, wrapped to each device',
        `operators ask for the keys: ${refused.body.code}`,
        'a new device waits for another one',
      ],
    },
    {
      title: `managed, key ${short(managedId ?? '')}`,
      lines: [
        'made by the server, wrapped at rest',
        `two operators: ${fetched.body.items?.length} key(s), and a receipt`,
        'a new device reads at once',
      ],
    },
  )
  tour.claim(
    alone.every(({ status }) => status === FORBIDDEN) &&
      approved.status === OK &&
      fetched.status === OK &&
      twice.status === CONFLICT,
    `managed: one operator alone gets no key, ${alone[0]?.body.code}; with the second one's approval it ` +
      `does, once (${twice.body.code})`,
  )
  tour.claim(opened === texts.managed, `who has the key reads the message, said plainly: "${opened}"`)
  tour.claim(
    refused.status === FORBIDDEN && onServer === undefined && onDevices !== undefined,
    `sealed: ${refused.body.code}, "${refused.body.detail}"`,
  )
  const receipts = await allOf(theirs.receipts())
  const exports = receipts.filter(({ kind, object }) => kind === 'export' && object === managedId)
  const named = exports.flatMap(({ to }) => ('operators' in to ? to.operators : []))
  tour.claim(
    named.join() === 'token:first,token:second',
    `ben's phone shows what the operators did: a receipt of kind ${exports[0]?.kind}, ${named.join(' and ')}`,
  )
  return { managed, sealedKey: onDevices ?? new Uint8Array(), managedKey, exported }
}

async function operatorToken({ server }: ConversationScene, name: string): Promise<string> {
  const made = await server.operator('POST', '/tokens', { name, roles: ['admin'] })
  return made.body.token as string
}

function givenKeys(items: { key: string }[] | undefined): Uint8Array[] {
  return (items ?? []).map(({ key }) => Buffer.from(key, 'base64url'))
}

function keyContext(conversation: string, key: string | undefined, bytes: Uint8Array) {
  return { application: 'demo', conversation, key: key ?? '', algorithm: 'A256GCM' as const, bytes }
}

/** The packet under this key, as the XMPP server has delivered it. */
async function packetOf({ stanzas }: OnlineDevice, keyId: string): Promise<string> {
  const found = stanzas.find((stanza) => stanza.includes(`objectid="${keyId}"`)) ?? ''
  return /<encrypted[^>]*>([A-Za-z0-9+/=]+)</.exec(found)?.[1] ?? ''
}
