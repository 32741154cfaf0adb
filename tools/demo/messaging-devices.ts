import { ALICE, BOB, FIRST_TEXT, type People } from './messaging-first.ts'
import {
  type Device,
  decrypted,
  MARKER,
  type MessagingScene,
  outcome,
  read,
  readAgain,
  request,
  send,
} from './messaging-scene.ts'

const MESSAGES_UNDER_WAY = 30

/** Keys are renewed while messages fly. */
export async function renewal(scene: MessagingScene, { alice, bob, laptop }: People): Promise<void> {
  const { tour } = scene
  tour.chapter('3. Keys are renewed while messages fly')
  const entryOf = async () => (await alice.me.directory.lookUp(BOB)).devices.map(({ entry }) => entry).join()
  const before = await entryOf()
  const texts = Array.from({ length: MESSAGES_UNDER_WAY }, (_, n) => `${MARKER}: under way ${n}`)
  let sent = 0
  const sending = (async () => {
    for (; sent < texts.length; sent++) await send(alice.me, BOB, texts[sent]!)
  })()
  const at: number[] = []
  for (const device of [bob, alice, bob]) {
    await device.me.renew()
    at.push(sent)
  }
  await sending
  const [onPhone, onLaptop] = [await read(bob.me), await read(laptop.me)]
  const lost = [onPhone, onLaptop].map((got) => texts.filter((text) => !got.includes(text)).length)
  tour.claim(
    (await entryOf()) !== before && at.some((n) => n > 0 && n < texts.length),
    `bob's phone renews twice and alice's once, done after message ${at.join(', ')} of ${texts.length}`,
  )
  tour.claim(
    lost.every((count) => count === 0) && onPhone.length === texts.length,
    `bob's phone read ${onPhone.length}, his laptop ${onLaptop.length} of ${texts.length} messages; ` +
      `lost: ${lost.join(' and ')}`,
  )
  tour.claim(
    (await alice.me.verification.isVerified(BOB)) && (await bob.me.verification.isVerified(ALICE)),
    'both stay verified: the old key signed the new one',
  )
}

/** What was said before a device was there. */
export async function history(
  scene: MessagingScene,
  { bob, words }: People,
): Promise<{ readonly tablet: Device; readonly spare: Device }> {
  const { tour } = scene
  tour.chapter('4. A new device reads what was said before')
  const handed = await request(scene, { username: BOB, name: 'tablet' })
  await bob.me.devices.approve(handed.request)
  const tablet = await handed.approved()
  const mail = await tablet.me.mailbox.receive()
  const texts = await Promise.all(mail.map(({ envelope }) => outcome(readAgain(tablet.me, envelope))))
  const readable = texts.filter((text) => text.startsWith(MARKER)).length
  tour.claim(
    texts[0] === FIRST_TEXT && readable === mail.length,
    `bob's new tablet, approved and handed the history by his phone, reads ${readable} of ${mail.length} ` +
      'old messages',
  )

  const backedUp = await bob.me.history.backUp()
  tour.claim(
    words.split(' ').length === 24 && backedUp > 0,
    `bob has written down 24 words; his phone backs up the keys of ${backedUp} messages, encrypted under ` +
      'them',
  )
  const plain = await request(scene, { username: BOB, name: 'spare' })
  await bob.me.devices.approve(plain.request, { history: false })
  const spare = await plain.approved()
  const [first] = await spare.me.mailbox.receive()
  const readFirst = () => outcome(readAgain(spare.me, first!.envelope))
  const without = await readFirst()
  const mistaken = words.split(' ').reverse().join(' ')
  const wrong = await outcome(spare.me.recovery.restore({ words: mistaken }))
  const restored = await spare.me.recovery.restore({ words })
  const withWords = await readFirst()
  tour.claim(
    without === 'HISTORY_UNAVAILABLE' && wrong === 'INPUT_INVALID' && withWords === FIRST_TEXT,
    `another one without a hand-over: ${without}; wrong words: ${wrong}; the words: ${restored} messages ` +
      'readable',
  )
  return { tablet, spare }
}

/** The tablet is stolen. */
export async function revocation(
  scene: MessagingScene,
  { alice, bob, laptop, words }: People,
  tablet: Device,
): Promise<void> {
  const { tour } = scene
  tour.chapter('5. A device is revoked')
  const stolen = tablet.me.device
  const { envelope } = await tablet.me.messages.encrypt(ALICE, 'from the tablet, kept back by the thief')
  const before = await alice.me.messages.encrypt(BOB, MARKER)
  const mistaken = { words: words.split(' ').reverse().join(' ') }
  const wrong = await outcome(bob.me.devices.revoke(stolen, { recovery: mistaken }))
  await bob.me.devices.revoke(stolen, { reason: 'stolen', recovery: { words } })
  const refused = await outcome(tablet.me.mailbox.receive())
  const after = await alice.me.messages.encrypt(BOB, MARKER)
  const listed = (to: typeof after) => to.recipients.some(({ device }) => device === stolen)
  tour.claim(
    refused === 'DEVICE_REVOKED' && wrong === 'INPUT_INVALID',
    `bob's tablet, revoked with his words: its next call is refused, ${refused} (with wrong words: ${wrong})`,
  )
  tour.claim(
    listed(before) && !listed(after) && before.session !== after.session,
    `alice's next message has a new session key, for ${after.recipients.length} devices, not for the tablet`,
  )
  const thief = await outcome(decrypted(tablet.me, after.envelope))
  tour.claim(thief !== MARKER && /^[A-Z_]+$/.test(thief), `the tablet cannot read it: ${thief}`)
  const late = await outcome(decrypted(alice.me, envelope))
  tour.claim(late === 'SENDER_REVOKED', `what the tablet had made before, delivered now: ${late}`)

  const effective = await laptop.me.devices.revoke(bob.me.device, { reason: 'a thief has the laptop' })
  const hours = (effective.getTime() - Date.now()) / 3_600_000
  const pending = (await bob.me.devices.list()).find(({ isThisDevice }) => isThisDevice)?.revocation
  await bob.me.devices.object(pending!.entry)
  const still = (await bob.me.devices.list()).find(({ isThisDevice }) => isThisDevice)!
  tour.claim(
    hours > 23.9 && still.revocation === undefined && still.status === 'valid',
    `one device alone revokes another only after ${hours.toFixed(0)} h; bob's phone objects, and stays`,
  )
  await send(alice.me, BOB, `${MARKER}: still there?`)
  tour.claim((await read(bob.me)).at(-1) === `${MARKER}: still there?`, `and alice's messages still reach it`)
}
