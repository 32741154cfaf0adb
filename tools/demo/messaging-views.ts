import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { copyState, startKeyServer } from './key-server.ts'
import type { People } from './messaging-first.ts'
import { decrypted, enroll, lead, type MessagingScene, outcome, restart } from './messaging-scene.ts'

const FRANK = 'frank@example.com'
const GRACE = 'grace@example.com'
const ZOE = 'zoe@example.com'
const YVES = 'yves@example.com'

/** One log for some, another for others; and then an older one for all. */
export async function otherLogs(scene: MessagingScene, { alice }: People): Promise<void> {
  const { tour, folder } = scene
  const { dataDir, settings } = scene.server
  tour.chapter('9. Two logs: a split view')
  tour.say('The apps of frank and grace demand no witness.')
  const frank = await enroll(scene, { username: FRANK, name: 'phone', witness: false })
  const grace = await enroll(scene, { username: GRACE, name: 'phone', witness: false })
  const newMessage = async () =>
    (await frank.me.messages.encrypt(GRACE, 'same log?', { newSession: true })).envelope
  const control = await outcome(decrypted(grace.me, await newMessage()))

  await scene.server.stop()
  const older = join(folder, 'older')
  const other = join(folder, 'other-view')
  await copyState(dataDir, older)
  await copyState(dataDir, other)
  await restart(scene)
  await enroll(scene, { username: ZOE, name: 'phone' })
  const view = await startKeyServer(other, settings)
  scene.servers.push(view)
  await lead([grace], view)
  await enroll(scene, { username: YVES, name: 'phone', witness: false }, view)
  await grace.me.directory.lookUp(YVES)
  for (const { me } of [frank, alice]) await me.directory.lookUp(ZOE)
  const envelope = await newMessage()
  const found = await outcome(decrypted(grace.me, envelope))
  tour.claim(
    control === 'same log?' && found === 'LOG_INCONSISTENT',
    "frank's log has zoe where grace's has yves. His next message, by any way: grace's app finds it, " +
      `${found}`,
  )
  const refusal = scene.witness.events.find(({ event }) => event === 'refused')
  await lead([alice], view)
  const shown = await outcome(alice.me.directory.lookUp(YVES))
  tour.claim(
    refusal !== undefined && shown !== '[object Object]',
    `the witness has refused to cosign the second log; alice, who demands it, is not led there: ${shown}`,
  )
  await view.stop()

  tour.chapter('10. An older database')
  await scene.server.stop()
  for (const end of ['', '-wal', '-shm']) await rm(join(dataDir, `keyhaven.db${end}`), { force: true })
  await copyState(join(older, 'keyhaven.db'), join(dataDir, 'keyhaven.db'))
  const started = await outcome(startKeyServer(dataDir, settings).then((server) => server.stop()))
  tour.claim(
    started.includes('STATE_ROLLED_BACK'),
    'the database alone set back: the server does not start, STATE_ROLLED_BACK',
  )
  await rm(dataDir, { recursive: true })
  await copyState(older, dataDir)
  await restart(scene)
  const noticed = await Promise.all(
    [frank, alice].map((device) => outcome(device.me.directory.lookUp(GRACE))),
  )
  tour.claim(
    noticed.every((code) => code === 'LOG_INCONSISTENT'),
    `all of it set back, the anchor too: the log has shrunk, and the apps notice: ${noticed.join(', ')}`,
  )
}
