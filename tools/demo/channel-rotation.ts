import type { Keyhaven } from '@keyhaven/sdk'
import { codeOf, type DemoKey, installApp, MARKER, type Scene } from './channel-scene.ts'
import { startTraffic, type Traffic } from './traffic.ts'

const KEYS = '/applications/demo/e2e-keys'
/** What the promise says; measured from the answer to the revocation. */
const REVOCATION_MAX_MS = 1_000
const WAIT_MS = 40_000

interface Usage {
  readonly requests: number
  readonly keys: ReadonlyArray<{
    readonly id: string
    readonly keyId: number
    readonly state: string
    readonly requestShare: number
    readonly installations: number
    readonly verdict: { readonly safe: boolean; readonly installations: number; readonly text: string }
  }>
}

/** A key is replaced under traffic: add, both side by side, adoption, revoke. */
export async function rotation(scene: Scene): Promise<void> {
  const { tour, server } = scene
  tour.chapter('4. The key is replaced while the apps call')
  const old = (await listKeys(scene)).find(({ state }) => state === 'active')!
  const pinnedTrust = { pinnedKeys: [{ keyId: old.keyId, publicKey: old.publicKey }] }
  const awake = [installApp(scene, '2.0.0'), installApp(scene, '2.0.0')]
  const asleep = installApp(scene, '2.0.0')
  const pinned = installApp(scene, '1.0.0', pinnedTrust)
  for (const app of [...awake, asleep, pinned]) await ping(app)
  const traffic = startTraffic(awake, ping)
  const pinnedTraffic = startTraffic([pinned], ping)
  tour.say(`Key ${old.keyId} (${old.suiteName}) is active. Three apps trust the manifest, one pins the key.`)

  const added = await server.admin<DemoKey>('POST', KEYS, {})
  const begun = performance.now()
  await until(async () => (await getKey(scene, added.id)).state === 'active')
  tour.claim(
    true,
    `added key ${added.keyId}; active ${((performance.now() - begun) / 1000).toFixed(1)} s later`,
  )

  const newInstallation = installApp(scene, '2.0.0')
  await ping(newInstallation)
  const [before, after] = [awake[0]!.status().keyId, newInstallation.status().keyId]
  tour.claim(
    before === old.keyId && after === added.keyId,
    `side by side: a running app calls with key ${before}, a new one with key ${after}; both are answered`,
  )

  await showUsage(scene, 'before the apps have moved', (usage) => shareOf(usage, old.id) > 0.5)
  tour.say('Apps fetch the manifest again before it expires; here that is made to happen now.')
  for (const app of awake) await app.refresh()
  const moved = await showUsage(scene, 'after', (usage) => installationsOf(usage, added.id) >= 3)
  tour.claim(
    installationsOf(moved, added.id) >= 3,
    `adoption moved: ${installationsOf(moved, added.id)} installations call with key ${added.keyId}`,
  )
  const verdict = moved.keys.find(({ id }) => id === old.id)!.verdict
  tour.claim(
    !verdict.safe && verdict.installations === 1,
    `the verdict on key ${old.keyId}: "${verdict.text}"`,
  )

  const pinnedResult = await pinnedTraffic.stop()
  tour.claim(pinnedResult.failed === 0, `the pinned app so far: ${pinnedResult.calls} calls, 0 failed`)
  await revoke(scene, old, pinned, asleep, traffic)

  const updated = installApp(scene, '1.1.0', {
    pinnedKeys: [...pinnedTrust.pinnedKeys, { keyId: added.keyId, publicKey: added.publicKey }],
  })
  tour.claim((await ping(updated)).ok, 'its next release, which pins the new key too, works')
  for (const app of [...awake, asleep, pinned, newInstallation, updated]) app.close()

  const audit = await server.admin<{ valid: boolean; entries: number }>('GET', '/audit/verify')
  tour.claim(audit.valid, `the audit log holds it all: ${audit.entries} entries, the chain is whole`)
}

async function revoke(scene: Scene, old: DemoKey, pinned: Keyhaven, asleep: Keyhaven, traffic: Traffic) {
  const { tour, server } = scene
  await server.admin('POST', `${KEYS}/${old.id}/revoke`, { reason: 'rotation, in the demo' })
  const revoked = performance.now()
  let code = await codeOf(ping(pinned))
  while (code !== 'KEY_REVOKED' && performance.now() - revoked < REVOCATION_MAX_MS)
    code = await codeOf(ping(pinned))
  const took = performance.now() - revoked
  tour.claim(code === 'KEY_REVOKED', `revoked: the pinned app is told ${code}, ${took.toFixed(0)} ms later:`)
  await ping(pinned).catch((error: Error) => tour.say(`  "${error.message}"`))
  const slept = await codeOf(ping(asleep))
  tour.claim(
    slept === 'HTTP 200',
    `an app that slept through all of it, with the old manifest: ${slept} at its first call`,
  )
  const { calls, failed } = await traffic.stop()
  tour.claim(failed === 0 && calls > 0, `manifest apps during the rotation: ${calls} calls, ${failed} failed`)
}

async function ping(app: Keyhaven): Promise<Response> {
  const answer = await app.fetch('/v1/echo', { method: 'POST', body: MARKER })
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
  return answer
}

/** Waits until the counts of the last calls have been written, then prints them. */
async function showUsage(scene: Scene, when: string, ready: (usage: Usage) => boolean): Promise<Usage> {
  const read = () => scene.server.admin<Usage>('GET', `${KEYS}/usage?window=1h`)
  await until(async () => ready(await read()))
  const usage = await read()
  const rows = usage.keys
    .filter(({ state }) => state !== 'revoked')
    .map(
      (key) =>
        `key ${key.keyId} ${key.state}: ${(key.requestShare * 100).toFixed(0)} % of calls, ` +
        `installations: ${key.installations}`,
    )
  scene.tour.say(`Usage ${when}: ${rows.join('; ')}`)
  return usage
}

function shareOf(usage: Usage, id: string): number {
  return usage.keys.find((key) => key.id === id)?.requestShare ?? 0
}
function installationsOf(usage: Usage, id: string): number {
  return usage.keys.find((key) => key.id === id)?.installations ?? 0
}
async function listKeys(scene: Scene): Promise<DemoKey[]> {
  return (await scene.server.admin<{ items: DemoKey[] }>('GET', KEYS)).items
}
async function getKey(scene: Scene, id: string): Promise<DemoKey> {
  return await scene.server.admin<DemoKey>('GET', `${KEYS}/${id}`)
}

/** Ends when it holds, or when it is too late: then the claim that follows says so. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  while (!(await holds()) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
