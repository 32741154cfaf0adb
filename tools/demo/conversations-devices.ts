import type { Conversation } from '@keyhaven/conversations'
import {
  ANNA,
  allOf,
  approved,
  BEN,
  CARL,
  type ChatDevice,
  type ConversationScene,
  enroll,
  short,
} from './conversations-scene.ts'
import { goOnline, type OnlineDevice, publicNodes, readArchive } from './conversations-xmpp.ts'
import { MARKER, outcome } from './messaging-scene.ts'

export interface ChatPeople {
  readonly anna: OnlineDevice
  readonly annaLaptop: OnlineDevice
  readonly ben: OnlineDevice
  readonly benLaptop: OnlineDevice
  /** He has an account at both servers, and is in no conversation. */
  readonly carl: OnlineDevice
  /** The sealed one, as anna's phone has it. */
  readonly chat: Conversation
  /** The ids of the sealed keys so far, and a message under the last one. */
  readonly keyId: string
}

const FIRST = `${MARKER}: the results are in`
const ANSWER = `${MARKER}: thank you`
const MESSAGES_PER_KEY = 2
const BEN_ADDRESS = 'ben@localhost'
const ANNA_ADDRESS = 'anna@localhost'

/** Two accounts with two devices each, one of them offline. */
export async function firstMessage(scene: ConversationScene): Promise<ChatPeople> {
  const { tour } = scene
  tour.chapter('1. Two accounts, four devices, one of them offline')
  const [annasPhone, bensPhone, carlsPhone] = await Promise.all([
    enroll(scene, ANNA, 'phone'),
    enroll(scene, BEN, 'phone'),
    enroll(scene, CARL, 'phone'),
  ])
  const [annasLaptop, bensLaptop] = await Promise.all([
    approved(scene, annasPhone, 'laptop'),
    approved(scene, bensPhone, 'laptop'),
  ])
  const online = (device: ChatDevice, resource: string) => goOnline(scene, device, resource)
  const anna = await online(annasPhone, 'phone')
  const annaLaptop = await online(annasLaptop, 'laptop')
  const ben = await online(bensPhone, 'phone')
  const carl = await online(carlsPhone, 'phone')

  const chat = await anna.me.conversations.create({
    members: { [BEN]: 'member' },
    mode: 'sealed',
    rotation: { maxAge: null, maxMessages: MESSAGES_PER_KEY },
  })
  const sent = await anna.adapter.send(BEN_ADDRESS, chat.id, FIRST)
  await sent.accepted
  const [mirrored, received] = await Promise.all(
    [annaLaptop, ben].map((device) => device.shown(({ text }) => text === FIRST)),
  )
  tour.claim(
    received?.from.device === anna.me.device && mirrored?.id === received.id,
    `anna's phone writes: "${received?.text}" is on ben's phone and, by a carbon copy, on anna's laptop`,
  )
  tour.sideBySide(
    { title: "on ben's phone", lines: [received?.text ?? '', `from ${received?.from.username}`] },
    { title: 'what Prosody passed on', lines: ben.stanzas[0]?.match(/.{1,50}/g)?.slice(0, 6) ?? [] },
  )
  await ben.adapter.send(ANNA_ADDRESS, chat.id, ANSWER)
  const answers = await Promise.all(
    [anna, annaLaptop].map((device) => device.shown(({ text }) => text === ANSWER)),
  )
  tour.claim(
    answers.every((answer) => answer?.from.username === BEN),
    "ben answers from his phone: it is on anna's phone and laptop",
  )
  const benLaptop = await online(bensLaptop, 'laptop')
  const texts = await readArchive(benLaptop)
  tour.claim(
    texts.join() === [FIRST, ANSWER].join(),
    `ben's laptop was off; on again, it reads from Prosody's archive: ${texts.length} of 2 messages`,
  )
  const published = await publicNodes(anna)
  tour.claim(
    published === 0,
    `nothing about keys or devices is published at the XMPP server: anna's account has ${published} nodes`,
  )
  return { anna, annaLaptop, ben, benLaptop, carl, chat, keyId: received?.keyId ?? '' }
}

/** By count, and when the chat is opened. */
export async function otherKeys(scene: ConversationScene, people: ChatPeople): Promise<ChatPeople> {
  const { tour } = scene
  const { anna, annaLaptop, ben, chat, keyId } = people
  tour.chapter('2. The objectid changes')
  const texts = ['three', 'four'].map((word) => `${MARKER}: number ${word}`)
  const ids: string[] = []
  for (const text of texts) {
    await anna.adapter.send(BEN_ADDRESS, chat.id, text)
    ids.push((await ben.shown((message) => message.text === text))?.keyId ?? 'nothing came')
  }
  tour.claim(
    ids[0] === keyId && ids[1] !== keyId && !ids.includes('nothing came'),
    `after ${MESSAGES_PER_KEY} messages a device takes another key here: objectid ${short(keyId)}, from ` +
      `anna's third message on ${short(ids[1]!)}`,
  )
  const opened = await chat.rotate()
  const last = `${MARKER}: number five`
  await anna.adapter.send(BEN_ADDRESS, chat.id, last)
  const shown = await Promise.all(
    [annaLaptop, ben].map((device) => device.shown(({ text }) => text === last)),
  )
  tour.claim(
    shown.every((message) => message?.keyId === opened) && !ids.includes(opened),
    `a new one whenever the app likes, as when the chat is opened: ${short(opened)}; both read on`,
  )
  scene.line.cut()
  const archived = await readArchive(ben)
  await scene.line.lead(scene.server.publicUrl)
  tour.claim(
    archived.length === 5 && archived.every((text) => text.startsWith(MARKER)),
    `the key server cannot be reached: ben's phone still reads ${archived.length} of 5 messages, under ` +
      'three keys that it has kept',
  )
  return { ...people, keyId: opened }
}

/** A device that was not there. */
export async function newDevice(scene: ConversationScene, { anna, chat }: ChatPeople): Promise<OnlineDevice> {
  const { tour } = scene
  tour.chapter('3. A new device reads the archive')
  const tablet = await goOnline(scene, await approved(scene, anna, 'tablet'), 'tablet')
  const early = await readArchive(tablet)
  tour.claim(
    early.length === 5 && early.every((text) => text === 'KEY_PENDING'),
    `anna's new tablet: the server has no key to give, ${early.length} messages are ${[...new Set(early)]}`,
  )
  const handed = await outcome(anna.me.conversations.answerKeyRequests())
  const texts = await readArchive(tablet)
  tour.claim(
    texts[0] === FIRST && texts.length === 5 && texts.every((text) => text.startsWith(MARKER)),
    `anna's phone has checked who asks, and handed on ${handed} keys: the tablet reads ${texts.length} of 5`,
  )
  const changes = await allOf(chat.changes())
  tour.claim(
    changes.length === 1 && changes[0]?.change.kind === 'create',
    'nobody was added for that: the signed membership has its first entry only',
  )
  return tablet
}
