import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCliFolder } from '../../test/cli/cli-folder.ts'
import { startWitness } from '../../test/cli/started-witness.ts'
import { startKeyServer } from './key-server.ts'
import { openPowers, swappedKeys } from './messaging-authority.ts'
import { history, renewal, revocation } from './messaging-devices.ts'
import { enrolment, firstMessages } from './messaging-first.ts'
import { movingUp } from './messaging-legacy.ts'
import type { MessagingScene } from './messaging-scene.ts'
import { whatOthersSaw } from './messaging-seen.ts'
import { otherLogs } from './messaging-views.ts'
import type { Tour } from './tour.ts'

/** Two people, their devices, and an authority that is not to be trusted. */
export async function messagingTour(tour: Tour): Promise<void> {
  tour.chapter('The scene')
  await using cli = await createCliFolder()
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-demo-'))
  let scene: MessagingScene | undefined
  try {
    const dataDir = join(folder, 'server')
    await mkdir(join(folder, 'devices'))
    const settings = { KEYHAVEN_LEGACY_PROFILE: 'on' }
    const first = await startKeyServer(dataDir, settings)
    const { verifierKey: logKey } = await first.directory<{ verifierKey: string }>('GET', '/log')
    await first.stop()
    await using witness = await startWitness(cli, [logKey], '--name', 'witness.example/w1')
    const witnessed = witness.setting.replace(/^KEYHAVEN_WITNESSES=/, '')
    const server = await startKeyServer(dataDir, { ...settings, KEYHAVEN_WITNESSES: witnessed })
    scene = { tour, folder, server, witness, servers: [server], lines: [], devices: [], logKey }
    tour.say(`apps → lines that are listened to, without TLS → ${server.publicUrl} key server, SQLite`)
    tour.say(`A witness at ${witness.url} cosigns the log; apps demand its signature.`)

    const people = await enrolment(scene)
    await firstMessages(scene, people)
    await renewal(scene, people)
    const { tablet, spare } = await history(scene, people)
    await revocation(scene, people, tablet)
    await movingUp(scene, people)
    await swappedKeys(scene, people)
    await openPowers(scene, people, spare)
    await otherLogs(scene, people)
    await whatOthersSaw(scene)
  } finally {
    await close(scene)
    await rm(folder, { recursive: true, force: true })
  }
}

async function close(scene: MessagingScene | undefined): Promise<void> {
  if (scene === undefined) return
  const { devices, lines, servers } = scene
  await Promise.allSettled(devices.map(({ me }) => me.close()))
  for (const { app } of devices) app.close()
  await Promise.allSettled(lines.map((line) => line.close()))
  await Promise.allSettled(servers.map((server) => server.stop()))
}
