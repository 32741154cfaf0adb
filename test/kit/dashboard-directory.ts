import { createChannel } from '@keyhaven/channel'
import { backend } from '@keyhaven/crypto'
import {
  createDirectoryClient,
  createMemoryDirectoryStore,
  type DirectoryClient,
  generateDeviceKeys,
  type NewDevice,
  type ProfileName,
} from '@keyhaven/directory'
import type { DashboardKit } from './dashboard.ts'

/** A real device of a real user, enrolled through the sealed channel. */
export interface EnrolledDevice {
  readonly client: DirectoryClient
  /** Its id. */
  readonly device: string
}

export interface DeviceOptions {
  readonly name?: string
  readonly profile?: ProfileName
  /** Until its record ends. @defaultValue what the SDK does: 90 */
  readonly days?: number
}

const DAY_SECONDS = 86_400
const MS_PER_SECOND = 1_000

/** A sign-up token for the username, as an operator's program takes it. */
export async function issueToken(kit: DashboardKit, application: string, username: string): Promise<string> {
  const path = `/applications/${application}/directory/sign-up-tokens`
  return (await kit.admin<{ token: string }>('POST', path, { username })).token
}

/** Enrolls the user's first device, or the first after a reset. */
export async function enroll(
  kit: DashboardKit,
  application: string,
  username: string,
  options: DeviceOptions = {},
): Promise<EnrolledDevice> {
  return enrollWith(kit, application, username, await issueToken(kit, application, username), options)
}

export async function enrollWith(
  kit: DashboardKit,
  application: string,
  username: string,
  token: string,
  options: DeviceOptions = {},
): Promise<EnrolledDevice> {
  const client = await directoryClient(kit, application)
  const device = await newDevice(options)
  await client.register(username, device, { token })
  return { client, device: device.device }
}

/** Another device of the same user, approved by one that is there. */
export async function addDevice(
  kit: DashboardKit,
  application: string,
  username: string,
  approver: EnrolledDevice,
  options: DeviceOptions = {},
): Promise<EnrolledDevice> {
  const client = await directoryClient(kit, application)
  const device = await newDevice(options)
  await approver.client.approve(await client.requestDevice(username, device))
  client.use({ username, device: device.device, signer: device.signer, requestKey: device.requestKey })
  return { client, device: device.device }
}

async function directoryClient(kit: DashboardKit, application: string): Promise<DirectoryClient> {
  const { rootThumbprints } = await kit.admin<{ rootThumbprints: [string, string] }>(
    'GET',
    `/applications/${application}/trust`,
  )
  const { verifierKey } = await kit.admin<{ verifierKey: string }>(
    'GET',
    `/applications/${application}/directory/log`,
  )
  const channel = createChannel({
    url: kit.server.publicUrl,
    applicationId: application,
    trust: { rootThumbprints },
  })
  return createDirectoryClient({
    fetch: channel.signedFetch,
    application,
    trust: { log: verifierKey },
    store: createMemoryDirectoryStore(),
  })
}

async function newDevice({ name = 'Phone', profile = 'x25519', days }: DeviceOptions): Promise<NewDevice> {
  const keys = await generateDeviceKeys(backend, profile)
  const now = Math.floor(Date.now() / MS_PER_SECOND)
  return { ...keys, name, ...(days === undefined ? {} : { expires: now + days * DAY_SECONDS }) }
}
