// A user for the scripts: `member PUBLIC_URL APPLICATION TRUST_AS_JSON LOG_KEY USERNAME TOKEN DEVICE_NAME`
// signs up a device with a sign-up token, and looks itself up as an app does.
import { createChannel } from '@keyhaven/channel'
import { backend } from '@keyhaven/crypto'
import { createDirectoryClient, createMemoryDirectoryStore, generateDeviceKeys } from '@keyhaven/directory'

const [url, applicationId, trust, log, username, token, name] = process.argv.slice(2) as string[]
const channel = createChannel({ url: url!, applicationId: applicationId!, trust: JSON.parse(trust!) })
try {
  const keys = await generateDeviceKeys(backend, 'x25519')
  const directory = createDirectoryClient({
    fetch: channel.signedFetch,
    application: applicationId!,
    trust: { log: log! },
    store: createMemoryDirectoryStore(),
    backend,
  })
  await directory.register(username!, { ...keys, name: name! }, { token: token! })
  const { devices } = await directory.lookUp(username!)
  console.log(`signed up ${devices[0]?.device} as ${devices[0]?.name}`)
} catch (error) {
  console.log(`refused ${(error as { code?: string }).code}`)
} finally {
  channel.close()
}
