import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProsody } from '../../test/kit/prosody.ts'
import { firstMessage, newDevice, otherKeys } from './conversations-devices.ts'
import { largeFile } from './conversations-files.ts'
import { thirdAccount } from './conversations-members.ts'
import { bothModes } from './conversations-modes.ts'
import { receipts } from './conversations-receipts.ts'
import { ANNA, BEN, CARL, type ConversationScene, DEVICES } from './conversations-scene.ts'
import { whatServersHold } from './conversations-seen.ts'
import { startFilePlace } from './file-place.ts'
import { startKeyServer } from './key-server.ts'
import type { Tour } from './tour.ts'
import { startWiretap } from './wiretap.ts'

const BYTES_PER_MEGABYTE = 1_000_000

export interface ConversationsTourOptions {
  /** Of the file that is sent. */
  readonly fileMegabytes: number
}

/** Chat through a real XMPP server, files through a real object store; neither can read. */
export async function conversationsTour(
  tour: Tour,
  { fileMegabytes }: ConversationsTourOptions,
): Promise<void> {
  tour.chapter('The scene')
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-demo-'))
  const opened: { close(): unknown }[] = []
  let scene: ConversationScene | undefined
  try {
    await mkdir(join(folder, DEVICES))
    const [prosody, files] = await Promise.all([
      startProsody([ANNA, BEN, CARL]),
      startFilePlace(join(folder, 'objects')),
    ])
    opened.push({ close: prosody.stop })
    const server = await startKeyServer(join(folder, 'server'), files.settings)
    opened.push({ close: server.stop })
    const { verifierKey: logKey } = await server.directory<{ verifierKey: string }>('GET', '/log')
    const line = await startWiretap(server.publicUrl)
    opened.push(line)
    scene = {
      ...{ tour, folder, server, prosody, files, line, logKey },
      ...{ servers: [server], devices: [], online: [], opened },
      fileBytes: fileMegabytes * BYTES_PER_MEGABYTE,
    }
    tour.say(`messages: apps → ${prosody.service} Prosody; the server in the middle, without TLS`)
    tour.say(`keys and files: apps → a line that is listened to → ${server.publicUrl} key server, SQLite`)
    tour.say(`files and wrapped keys lie in ${files.name}${files.instead ? `: ${files.instead}` : ''}`)

    const people = await otherKeys(scene, await firstMessage(scene))
    await newDevice(scene, people)
    await thirdAccount(scene, people)
    const keys = await bothModes(scene, people)
    await receipts(scene, people, keys)
    const file = await largeFile(scene, people)
    await whatServersHold(scene, people, keys, file)
  } finally {
    if (scene) await close(scene)
    await Promise.allSettled(opened.map((one) => one.close()))
    await rm(folder, { recursive: true, force: true })
  }
}

async function close({ devices, online, servers, files }: ConversationScene): Promise<void> {
  await Promise.allSettled(online.map((device) => device.leave()))
  await Promise.allSettled(devices.map(({ me }) => me.close()))
  for (const { app } of devices) app.close()
  await Promise.allSettled(servers.map((server) => server.stop()))
  files.objects.close()
}
