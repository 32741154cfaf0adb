import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sightingsIn } from './eavesdropper.ts'
import { ALICE, BOB } from './messaging-first.ts'
import { CONTROL, MARKER, type MessagingScene, outcome } from './messaging-scene.ts'

/** Of the device stores; what else lies in the scene's folder is servers'. */
const DEVICES = 'devices'

/** Server databases, log, server's output and the wire, searched for what was written. */
export async function whatOthersSaw(scene: MessagingScene): Promise<void> {
  const { tour, folder, lines, server, servers } = scene
  tour.chapter('11. What others saw')
  // As an app without Keyhaven would: into the mailbox unencrypted, and past the channel.
  const sender = scene.devices.find(({ me }) => me.username.startsWith('frank'))!
  await outcome(sender.me.mailbox.send(sender.me.username, JSON.stringify({ text: CONTROL })))
  await fetch(`${lines[0]!.url}/v1/echo?text=${CONTROL}`, { method: 'POST', body: CONTROL })

  const wire = lines.map((line) => line.bytes())
  const output = servers.map((one) => Buffer.from(one.log()))
  const tiles = await publicLog(server.publicUrl)
  await Promise.all(servers.map((one) => one.stop()))
  const databases = await filesUnder(folder)
  const bytes = (parts: readonly Buffer[]) => parts.reduce((sum, { length }) => sum + length, 0)
  const places = [
    ['every server database, its copies, anchors and log files', databases],
    ['the public tiles of the log', tiles],
    ["the servers' output, at level trace", output],
    ['the wire', wire],
  ] as const
  for (const [name, parts] of places) {
    const found = sightingsIn(parts, MARKER)
    tour.claim(
      found === 0 && bytes(parts) > 0,
      `the marker in ${name} (${(bytes(parts) / 1e3).toFixed(0)} kB): ${found} times`,
    )
  }
  const [stored, passed] = [sightingsIn(databases, CONTROL), sightingsIn(wire, CONTROL)]
  tour.claim(
    stored > 0 && passed > 0,
    `control: an unencrypted text is found in the database ${stored} times, on the wire ${passed} times`,
  )
  const names = [ALICE, BOB]
  const named = (parts: readonly Buffer[]) => names.reduce((sum, name) => sum + sightingsIn(parts, name), 0)
  tour.claim(
    named(tiles) === 0 && named(wire) === 0 && named(databases) > 0,
    `names: in the tiles ${named(tiles)} times, on the wire ${named(wire)}; the server's database knows them`,
  )
  const [parameters, complaints] = [sightingsIn(tiles, 'vrfKey'), sightingsIn(output, 'witness')]
  tour.claim(
    parameters > 0 && complaints > 0,
    "control: found where they should be, the log's parameters in the tiles and the witness's refusal in " +
      'the output',
  )
}

async function publicLog(publicUrl: string): Promise<Buffer[]> {
  const get = async (path: string) =>
    Buffer.from(await (await fetch(`${publicUrl}/log/demo/${path}`)).arrayBuffer())
  const checkpoint = await get('checkpoint')
  const size = checkpoint.toString().split('\n')[1]!
  return [checkpoint, await get(`tile/entries/000.p/${size}`), await get(`tile/0/000.p/${size}`)]
}

async function filesUnder(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.parentPath !== join(folder, DEVICES))
  return await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))))
}
