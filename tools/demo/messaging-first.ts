import {
  type Device,
  enroll,
  MARKER,
  type MessagingScene,
  outcome,
  read,
  request,
  resume,
  send,
} from './messaging-scene.ts'

const STRANGER_WAIT_MS = 1_200

export const ALICE = 'alice@example.com'
export const BOB = 'bob@example.com'
export const FIRST_TEXT = `${MARKER}: the results are in`

export interface People {
  readonly alice: Device
  readonly bob: Device
  readonly laptop: Device
  /** Of bob's recovery key. */
  readonly words: string
}

/** Two people, one of them with two devices, and somebody who is neither. */
export async function enrolment(scene: MessagingScene): Promise<People> {
  const { tour } = scene
  tour.chapter('1. Two people, three devices')
  const alice = await enroll(scene, { username: ALICE, name: 'phone' })
  const bob = await enroll(scene, { username: BOB, name: 'phone' })
  // While he has one device only: with several, the others may object for a day.
  const words = await bob.me.recovery.createWords()
  const asked = await request(scene, { username: BOB, name: 'laptop' })
  const info = await bob.me.devices.approve(asked.request)
  const laptop = await asked.approved()
  tour.claim(
    info.fingerprint === asked.fingerprint && laptop.me.username === BOB,
    `alice and bob sign up; bob's phone approves his laptop, both show ${asked.fingerprint}`,
  )
  const { checkpoint, devices } = await alice.me.directory.lookUp(BOB)
  const witnessName = scene.witness.verifierKey.split('+')[0]!
  tour.claim(
    devices.length === 2 && checkpoint.note.includes(`— ${witnessName} `),
    `alice's look-up proves both of bob's devices, in a log of ${checkpoint.size} leaves that a witness ` +
      'cosigned',
  )

  const stranger = await request(scene, { username: BOB, name: 'stranger' })
  const waited = await outcome(
    stranger.completed({ signal: AbortSignal.timeout(STRANGER_WAIT_MS) }).then(() => 'let in'),
  )
  const { recipients } = await alice.me.messages.encrypt(BOB, MARKER)
  tour.claim(
    waited.includes('TimeoutError') && recipients.length === 2,
    `a device that calls itself bob's and that nobody approved: not let in, and not written to`,
  )
  await stranger.close()
  const guess = { token: `khs_${'A'.repeat(43)}`, username: BOB }
  const guessed = await outcome(alice.app.enroll(guess))
  const other = { token: await scene.server.signUpToken('eve@example.com'), username: BOB }
  const borrowed = await outcome(alice.app.enroll(other))
  tour.claim(
    ['UNAUTHENTICATED', 'ACCESS_DENIED'].includes(guessed) &&
      ['UNAUTHENTICATED', 'ACCESS_DENIED', 'CONFLICT'].includes(borrowed),
    `signing up as bob: with a made-up token ${guessed}, with eve's own token ${borrowed}`,
  )
  return { alice, bob, laptop, words }
}

/** First message, answers, and a recipient who is not there. */
export async function firstMessages(scene: MessagingScene, people: People): Promise<void> {
  const { tour } = scene
  const { alice, bob, laptop } = people
  tour.chapter('2. Messages')
  await send(alice.me, BOB, FIRST_TEXT)
  const [onPhone, onLaptop] = [await read(bob.me), await read(laptop.me)]
  tour.claim(
    onPhone.join() === FIRST_TEXT && onLaptop.join() === FIRST_TEXT,
    `a first message: bob's phone and laptop both read "${onPhone.join()}"`,
  )
  await send(laptop.me, ALICE, `${MARKER}: thank you`)
  const [answer] = await read(alice.me)
  const [mirrored] = await read(bob.me)
  tour.claim(
    answer === `${MARKER}: thank you` && mirrored === answer,
    `bob answers from his laptop: alice reads it, and so does bob's phone`,
  )

  await bob.me.close()
  await laptop.me.close()
  const texts = Array.from({ length: 5 }, (_, n) => `${MARKER}: while you were away ${n + 1}`)
  for (const text of texts) await send(alice.me, BOB, text)
  bob.me = await resume(bob)
  laptop.me = await resume(laptop)
  const [later, laterToo] = [await read(bob.me), await read(laptop.me)]
  tour.claim(
    later.join() === texts.join() && laterToo.join() === texts.join(),
    `bob's devices were off; on again, each reads all ${texts.length}, from its store on disk`,
  )
  const again = (await alice.me.messages.encrypt(BOB, 'once')).envelope
  await bob.me.messages.decrypt(again)
  const twice = await outcome(bob.me.messages.decrypt(again))
  tour.claim(twice === 'DUPLICATE', `the same message delivered twice: ${twice} the second time`)

  const digits = async ({ me }: Device, other: string) => (await me.verification.safetyNumber(other)).digits
  const [hers, his, hisToo] = [
    await digits(alice, BOB),
    await digits(bob, ALICE),
    await digits(laptop, ALICE),
  ]
  tour.claim(hers === his && his === hisToo, `safety number, the same on all three devices: ${hers}`)
  await alice.me.verification.markVerified(BOB, his)
  await bob.me.verification.markVerified(ALICE, (await alice.me.verification.safetyNumber(BOB)).qr)
  const wrong = await outcome(
    alice.me.verification.markVerified(BOB, `${his.startsWith('0') ? '1' : '0'}${his.slice(1)}`),
  )
  const verified = await bob.me.messages.decrypt((await alice.me.messages.encrypt(BOB, 'verified?')).envelope)
  tour.claim(
    wrong === 'INPUT_INVALID' && verified.verified,
    `compared by digits and by QR text: marked as verified; with one wrong digit ${wrong}`,
  )
}
