import { randomBytes } from 'node:crypto'
import type { ChatPeople } from './conversations-devices.ts'
import { allOf, BEN, CARL, type ConversationScene, short } from './conversations-scene.ts'
import { readArchive } from './conversations-xmpp.ts'
import { CONTROL, MARKER, outcome } from './messaging-scene.ts'

const ADDRESSES = ['ben@localhost', 'carl@localhost']

/** A third account: not a member, then one, then one no more. */
export async function thirdAccount(
  scene: ConversationScene,
  { anna, ben, carl, chat }: ChatPeople,
): Promise<void> {
  const { tour } = scene
  tour.chapter('4. A third account asks for the key')
  const before = `${MARKER}: not for carl`
  // The XMPP server, or a slip of the finger, brings it to him too.
  const sent = await anna.adapter.send(ADDRESSES, chat.id, before)
  await sent.accepted
  await ben.shown(({ text }) => text === before)
  const [refused] = await readArchive(carl)
  const nobodys = randomBytes(16).toString('base64url')
  const [existing, madeUp] = [
    await outcome(carl.me.conversations.open(chat.id)),
    await outcome(carl.me.conversations.open(nobodys)),
  ]
  tour.claim(
    refused === 'NOT_FOUND' && existing === 'NOT_FOUND' && madeUp === existing,
    `carl is no member. Prosody brings him the message, the key server no key: ${refused}; he asks for the ` +
      `conversation: ${existing}, for one that does not exist: ${madeUp}`,
  )

  await chat.add({ [CARL]: 'member' })
  const during = `${MARKER}: welcome carl`
  await anna.adapter.send(ADDRESSES, chat.id, during)
  const welcome = await carl.shown(({ text }) => text === during)
  const [again] = await readArchive(carl)
  tour.claim(
    welcome?.text === during && again === 'ACCESS_DENIED',
    `anna adds him: he reads "${welcome?.text}", under a new key, and nothing from before: ${again}`,
  )

  await chat.remove(CARL, { reason: CONTROL })
  const after = `${MARKER}: carl has left`
  await anna.adapter.send(ADDRESSES, chat.id, after)
  const read = await ben.shown(({ text }) => text === after)
  const texts = await readArchive(carl)
  tour.claim(
    read !== undefined && texts.at(-1) === 'ACCESS_DENIED' && texts.at(-2) === during,
    `anna removes him: the next message is under ${short(read?.keyId ?? '')}; ben reads it, carl ` +
      `${texts.at(-1)}. What he had read stays readable to him`,
  )
  const theirs = await ben.me.conversations.open(chat.id)
  await theirs.refresh()
  const changes = (await allOf(theirs.changes())).map(({ by, change }) => `${by.username} ${change.kind}`)
  const holders = await theirs.holders(read?.keyId ?? '')
  tour.claim(
    changes.join() === 'anna create,anna add,anna remove' && theirs.head.head === chat.head.head,
    `ben sees each change, signed by who made it: ${changes.join(', ')}; his history is anna's`,
  )
  const names = holders.map(({ username }) => username)
  tour.claim(
    holders.length > 3 && names.every((name) => name === 'anna' || name === BEN),
    `the newest key was made for ${holders.length} devices, proven to be all: ${names.join(', ')}`,
  )
}
