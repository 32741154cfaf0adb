import { join } from 'node:path'
import { copyState, type KeyServer, startKeyServer } from './key-server.ts'
import { addOwnDevice, atPlaceOf, placesOf, putBack, type Rows, takeOut } from './malicious-authority.ts'
import { ALICE, BOB, type People } from './messaging-first.ts'
import {
  type Device,
  decrypted,
  enroll,
  lead,
  MARKER,
  type MessagingScene,
  outcome,
  restart,
} from './messaging-scene.ts'

const CAROL = 'carol@example.com'
const DAVE = 'dave@example.com'

/** The authority has all its keys, all its data and its log, and wants to read what is written to bob. */
export async function swappedKeys(scene: MessagingScene, { alice, bob, laptop }: People): Promise<void> {
  const { tour } = scene
  tour.chapter("7. The authority swaps bob's key")
  const dave = await enroll(scene, { username: DAVE, name: 'phone' })
  const { carol, stolen, truth } = await signUpAsBob(scene)
  const views = await showToEach(scene, { alice, carol, dave, truth })

  const toDave = await outcome(dave.me.messages.encrypt(BOB, MARKER))
  tour.claim(
    toDave === 'PROOF_INVALID',
    `its key in bob's record, in the database: dave's app refuses, ${toDave}, and encrypts nothing`,
  )
  const toAlice = await outcome(alice.me.messages.encrypt(BOB, MARKER))
  tour.claim(
    toAlice === 'CHAIN_BROKEN',
    `its key added to bob's chain, accepted and logged under its true keys: alice's app refuses, ${toAlice}`,
  )
  tour.say(
    `Carol has never seen bob's key. She is shown a bob that the authority made, with a proof from the`,
  )
  tour.say(`log; that far the proof goes, and "${stolen}" is read. Then the monitors run:`)
  // The log goes on, so that its newest checkpoint is cosigned in this database too.
  await laptop.me.renew()
  const { hidden } = await bob.me.directory.monitor()
  tour.claim(
    stolen === MARKER && hidden.includes(views.fake) && hidden.includes(views.added),
    `bob's: under his name the log has records that he is not shown, at ${hidden.join(' and ')}`,
  )
  const { withheld } = await carol.me.directory.monitor()
  const kept = withheld.filter(({ username }) => username === BOB).map(({ index }) => index)
  tour.claim(
    placesOf(truth).every((place) => kept.includes(place)),
    `carol's: the log has ${kept.length} records of bob that she is not shown`,
  )
  const [hers, his] = await Promise.all([
    carol.me.verification.safetyNumber(BOB),
    bob.me.verification.safetyNumber(CAROL),
  ])
  tour.claim(hers.digits !== his.digits, "and carol's and bob's safety numbers differ")
  await Promise.all(views.servers.map((server) => server.stop()))
  await lead(scene.devices, scene.server)
  const back = await outcome(
    alice.me.messages.encrypt(BOB, 'hello').then(({ envelope }) => decrypted(bob.me, envelope)),
  )
  const dropped = !(await alice.me.verification.isVerified(BOB))
  await alice.me.verification.markVerified(BOB, (await bob.me.verification.safetyNumber(ALICE)).qr)
  tour.claim(
    back === 'hello' && dropped,
    'shown the truth again, alice and bob go on; her mark of him has dropped, and they compare anew',
  )
}

/**
 * For a while there is no bob: the authority signs up as bob itself. Carol comes, who never saw the true one.
 */
async function signUpAsBob(
  scene: MessagingScene,
): Promise<{ readonly carol: Device; readonly stolen: string; readonly truth: Rows }> {
  await scene.server.stop()
  const truth = takeOut(scene.server.dataDir, BOB)
  await restart(scene)
  const mallory = await enroll(scene, { username: BOB, name: 'phone' })
  const carol = await enroll(scene, { username: CAROL, name: 'phone' })
  const { envelope } = await carol.me.messages.encrypt(BOB, MARKER)
  return { carol, stolen: await decrypted(mallory.me, envelope), truth }
}

interface Views {
  readonly servers: readonly KeyServer[]
  /** Place in the log of the bob that carol is shown. */
  readonly fake: number
  /** Place of the device that was added to the true one. */
  readonly added: number
}

/** One log, and of what lies beside it to each what suits the authority. All others are shown the truth. */
async function showToEach(
  scene: MessagingScene,
  { truth, ...people }: { readonly truth: Rows } & Readonly<Record<'alice' | 'carol' | 'dave', Device>>,
): Promise<Views> {
  const { dataDir, settings } = scene.server
  await scene.server.stop()
  const forged = takeOut(dataDir, BOB)
  putBack(dataDir, BOB, truth)
  const added = await addOwnDevice(dataDir, BOB)
  const longer = takeOut(dataDir, BOB)
  putBack(dataDir, BOB, truth)
  const shown = { alice: longer, carol: forged, dave: atPlaceOf(forged, truth) }
  const show = async (who: keyof typeof shown): Promise<KeyServer> => {
    const view = join(scene.folder, `for-${who}`)
    await copyState(dataDir, view)
    putBack(view, BOB, shown[who])
    const server = await startKeyServer(view, settings)
    scene.servers.push(server)
    return server
  }
  const [alice, carol, dave] = await Promise.all([show('alice'), show('carol'), show('dave')])
  await restart(scene)
  await Promise.all([lead([people.alice], alice), lead([people.carol], carol), lead([people.dave], dave)])
  return { servers: [alice, carol, dave], fake: placesOf(forged)[0]!, added }
}

/** What the authority may do is done in the open. */
export async function openPowers(
  scene: MessagingScene,
  { alice, bob }: People,
  spare: Device,
): Promise<void> {
  const { tour, server } = scene
  tour.chapter('8. What the authority may do shows')
  await bob.me.directory.acknowledge((await bob.me.directory.ownChain()).sequence)
  const quiet = await bob.me.directory.monitor()
  const user = `/users/${encodeURIComponent(BOB)}`
  await server.directory('POST', `${user}/devices/${spare.me.device}/revoke`, { reason: 'on a whim' })
  const { unseen } = await bob.me.directory.monitor()
  tour.claim(
    quiet.unseen.length === 0 && unseen.length === 1 && unseen[0]!.signer.kind === 'authority',
    `it revokes bob's spare device: his monitor names the entry, a ${unseen[0]?.kind} by the ` +
      `${unseen[0]?.signer.kind}`,
  )
  const wasVerified = await alice.me.verification.isVerified(BOB)
  await server.directory('POST', `${user}/reset`, { reason: 'says that he lost everything' })
  const mallory = await enroll(scene, { username: BOB, name: 'phone' })
  const told = await outcome(bob.me.mailbox.receive())
  const refused = await outcome(alice.me.messages.encrypt(BOB, MARKER))
  const stillVerified = await alice.me.verification.isVerified(BOB)
  tour.claim(
    refused === 'CHAIN_RESET' && wasVerified && !stillVerified,
    `it resets bob and signs up as bob: alice's app stops, ${refused}, and her mark of him has dropped`,
  )
  tour.claim(told === 'DEVICE_REVOKED', `bob's phone is told at its next call: ${told}`)
  const { envelope } = await mallory.me.messages.encrypt(ALICE, 'I have a new phone')
  const trusted = await outcome(alice.me.messages.decrypt(envelope).then(({ verified }) => verified))
  tour.claim(trusted !== 'true', `what the new bob writes to her: verified is ${trusted}`)
}
