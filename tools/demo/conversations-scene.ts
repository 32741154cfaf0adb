import { join } from 'node:path'
import { connect, type DeviceRequest, type Keyhaven, type Me } from '@keyhaven/sdk'
import { sqliteStore } from '@keyhaven/sdk/node'
import type { TestProsody } from '../../test/kit/prosody.ts'
import type { FilePlace } from './file-place.ts'
import { type KeyServer, startKeyServer } from './key-server.ts'
import type { Tour } from './tour.ts'
import { watchedBackend } from './watched-backend.ts'
import type { Wiretap } from './wiretap.ts'

export interface ConversationScene {
  readonly tour: Tour
  /** Where servers and devices keep their data. */
  readonly folder: string
  /** The honest one. It is started anew once. */
  server: KeyServer
  /** Every server of the tour, for what they logged; each with its data folder. */
  readonly servers: KeyServer[]
  /** Between all apps and the key server. */
  readonly line: Wiretap
  readonly prosody: TestProsody
  readonly files: FilePlace
  readonly fileBytes: number
  readonly devices: ChatDevice[]
  /** Those that have ever logged in at the XMPP server. */
  readonly online: { leave(): Promise<void> }[]
  /** What is closed at the end. */
  readonly opened: { close(): unknown }[]
  /** Verifier key of the log. */
  readonly logKey: string
}

/** A device of a user: an app and its store, an SQLite file. */
export interface ChatDevice {
  readonly app: Keyhaven
  /** Path of the file. */
  readonly store: string
  readonly me: Me
  /** Each 32 random bytes that the device has taken: the keys that it has made are among them. */
  readonly randoms: readonly Uint8Array[]
}

export const ANNA = 'anna'
export const BEN = 'ben'
export const CARL = 'carl'
/** Of the store files; what else lies in the scene's folder is servers'. */
export const DEVICES = 'devices'

/** A user's first device. */
export async function enroll(scene: ConversationScene, username: string, name: string): Promise<ChatDevice> {
  const opened = openApp(scene, username, name)
  const token = await scene.server.signUpToken(username)
  const me = await opened.app.enroll({ ...deviceOptions(opened, username, name), token })
  return joined(scene, opened, me)
}

/** Another one, approved by the first. */
export async function approved(scene: ConversationScene, by: ChatDevice, name: string): Promise<ChatDevice> {
  const opened = openApp(scene, by.me.username, name)
  const asked: DeviceRequest = await opened.app.requestDevice(deviceOptions(opened, by.me.username, name))
  await by.me.devices.approve(asked.request)
  return joined(scene, opened, await asked.completed())
}

/** Starts the honest server again, on what its data folder holds, and leads everybody there. */
export async function restart(scene: ConversationScene): Promise<void> {
  const { dataDir, settings } = scene.server
  scene.server = await startKeyServer(dataDir, settings)
  scene.servers.push(scene.server)
  await scene.line.lead(scene.server.publicUrl)
}

/** All of a list that comes piece by piece. */
export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** The start of an id, as a person compares it. */
export const short = (id: string): string => `${id.slice(0, 8)}…`

type OpenApp = Omit<ChatDevice, 'me'>

function openApp(
  { line, server, logKey, folder }: ConversationScene,
  username: string,
  name: string,
): OpenApp {
  const { backend, randoms } = watchedBackend()
  const rootThumbprints = [...server.rootThumbprints] as [string, string]
  const trust = { rootThumbprints, log: logKey }
  const app = connect({ url: line.url, applicationId: 'demo', trust, backend })
  return { app, randoms, store: join(folder, DEVICES, `${username}-${name}.db`) }
}

function deviceOptions({ store: path }: OpenApp, username: string, deviceName: string) {
  return { username, deviceName, store: { open: () => sqliteStore({ path }) } }
}

function joined({ devices }: ConversationScene, opened: OpenApp, me: Me): ChatDevice {
  const device = { ...opened, me }
  devices.push(device)
  return device
}
