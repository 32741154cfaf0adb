import { join } from 'node:path'
import { connect, type DeviceRequest, type Keyhaven, type Me, type ProfileName } from '@keyhaven/sdk'
import { sqliteStore } from '@keyhaven/sdk/node'
import type { StartedWitness } from '../../test/cli/started-witness.ts'
import { type KeyServer, startKeyServer } from './key-server.ts'
import type { Tour } from './tour.ts'
import { startWiretap, type Wiretap } from './wiretap.ts'

export interface MessagingScene {
  readonly tour: Tour
  /** Where servers and devices keep their data. */
  readonly folder: string
  /** The honest one. It is started anew now and then. */
  server: KeyServer
  readonly witness: StartedWitness
  /** Every server of the tour, for what they logged; each with its data folder. */
  readonly servers: KeyServer[]
  readonly lines: Wiretap[]
  readonly devices: Device[]
  /** Verifier key of the log. */
  readonly logKey: string
}

/** A device of a user: an app, its line to the server, and its store, an SQLite file. */
export interface Device {
  readonly app: Keyhaven
  readonly line: Wiretap
  readonly store: string
  me: Me
}

export interface DeviceSetup {
  readonly username: string
  readonly name: string
  readonly profile?: ProfileName
  /** Takes `rsa1024-legacy`, by name. @defaultValue false */
  readonly allowLegacy?: boolean
  /** Whether its app demands the witness. @defaultValue true */
  readonly witness?: boolean
}

/** What the searches look for: it is in the text of messages. */
export const MARKER = 'MARKER-DIAGNOSIS-ROSEHIP-7391-8264'
/** What is searched for as a control: it is sent as it is. */
export const CONTROL = 'CONTROL-POSTCARD-5502-1187'

/** A change of somebody's devices shall show at once; an app may rely on a look-up for a minute. */
const MESSAGES = { lookUpSeconds: 0 }

export async function enroll(
  scene: MessagingScene,
  setup: DeviceSetup,
  server: KeyServer = scene.server,
): Promise<Device> {
  const opened = await openApp(scene, setup, server)
  const token = await server.signUpToken(setup.username)
  return joined(scene, opened, await opened.app.enroll({ ...deviceOptions(setup, opened), token }))
}

/** A second device, that waits to be approved. */
export async function request(
  scene: MessagingScene,
  setup: DeviceSetup,
): Promise<DeviceRequest & { approved(): Promise<Device> }> {
  const opened = await openApp(scene, setup, scene.server)
  const asked = await opened.app.requestDevice(deviceOptions(setup, opened))
  return { ...asked, approved: async () => joined(scene, opened, await asked.completed()) }
}

/** Switches a device on again. */
export async function resume({ app, store }: Device): Promise<Me> {
  const me = await app.resume({ store: { open: () => sqliteStore({ path: store }) }, messages: MESSAGES })
  if (me === undefined) throw new Error('there is no device in the store')
  return me
}

/** Starts the honest server again, on what its data folder holds by now, and leads everybody there. */
export async function restart(scene: MessagingScene): Promise<void> {
  const { dataDir, settings } = scene.server
  scene.server = await startKeyServer(dataDir, settings)
  scene.servers.push(scene.server)
  await lead(scene.devices, scene.server)
}

/** From now on these devices' lines end at this server. */
export async function lead(devices: readonly Device[], server: KeyServer): Promise<void> {
  await Promise.all(devices.map(({ line }) => line.lead(server.publicUrl)))
}

/**
 * Decrypts what is new in the mailbox: what was read before the device went off lies there once more.
 *
 * @returns text, or the code of what went wrong, in order.
 */
export async function read(me: Me): Promise<string[]> {
  const texts: string[] = []
  for (const { envelope } of await me.mailbox.receive()) {
    const text = await outcome(decrypted(me, envelope))
    if (text !== 'DUPLICATE') texts.push(text)
  }
  return texts
}

export async function decrypted(me: Me, envelope: string): Promise<string> {
  return (await me.messages.decrypt(envelope)).text
}

export async function readAgain(me: Me, envelope: string): Promise<string> {
  return (await me.messages.readAgain(envelope)).text
}

export async function send(me: Me, to: string, text: string): Promise<void> {
  const { envelope } = await me.messages.encrypt(to, text)
  await me.mailbox.send(to, envelope)
}

/** @returns what the promise gives, as text, or the code of what it ended with instead. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    return String(await promise)
  } catch (error) {
    const { code } = error as { code?: unknown }
    return typeof code === 'string' ? code : String(error)
  }
}

type OpenApp = Omit<Device, 'me'>

async function openApp(
  scene: MessagingScene,
  { username, name, witness = true }: DeviceSetup,
  server: KeyServer,
): Promise<OpenApp> {
  const line = await startWiretap(server.publicUrl)
  scene.lines.push(line)
  const app = connect({
    url: line.url,
    applicationId: 'demo',
    trust: {
      rootThumbprints: [...server.rootThumbprints] as [string, string],
      log: scene.logKey,
      ...(witness && { witnesses: { keys: [scene.witness.verifierKey], threshold: 1 } }),
    },
  })
  const file = `${username}-${name}-${scene.lines.length}.db`
  return { app, line, store: join(scene.folder, 'devices', file) }
}

function deviceOptions({ username, name, profile, allowLegacy }: DeviceSetup, { store }: OpenApp) {
  return {
    username,
    deviceName: name,
    store: { open: () => sqliteStore({ path: store }) },
    messages: { ...MESSAGES, ...(allowLegacy && { allowLegacy }) },
    ...(profile && { profile }),
  }
}

function joined(scene: MessagingScene, opened: OpenApp, me: Me): Device {
  const device = { ...opened, me }
  scene.devices.push(device)
  return device
}
