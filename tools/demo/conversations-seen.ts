import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileContent } from '@keyhaven/conversations'
import type { ObjectStore } from '../../packages/server/src/platform/objects/object-store.ts'
import type { ChatPeople } from './conversations-devices.ts'
import type { KnownKeys } from './conversations-modes.ts'
import { type ConversationScene, DEVICES } from './conversations-scene.ts'
import { sendInClear } from './conversations-xmpp.ts'
import { entropyBits, sightingsIn } from './eavesdropper.ts'
import type { FilePlace } from './file-place.ts'
import { CONTROL, MARKER } from './messaging-scene.ts'

const CONTROL_OBJECT = 'files/demo/control'
const RAW_OBJECTS = 3
const KEYS_PREFIX = 'keys/demo/'
const NOISE_BITS = 7.9
const SAMPLE_BYTES = 1_000_000

interface Place {
  readonly name: string
  readonly parts: readonly Buffer[]
  /** What must be found there, or the search would be worth nothing; and what it is. */
  readonly control: readonly [text: string, what: string]
}

/** Prosody's archive, the object store, the key server's database, log files and output, and the line. */
export async function whatServersHold(
  scene: ConversationScene,
  { anna, ben }: ChatPeople,
  keys: KnownKeys,
  file: FileContent,
): Promise<void> {
  const { tour, prosody, files, servers, line, folder, server } = scene
  tour.chapter('8. What the servers hold')
  // As an app without Keyhaven would: by XMPP, past the channel, and into the store.
  await sendInClear(anna, ben, CONTROL)
  await fetch(`${line.url}/v1/echo?text=${CONTROL}`)
  await files.objects.put(CONTROL_OBJECT, Buffer.from(`a file: ${CONTROL}`))

  const objects = await objectsIn(files.objects)
  const raw = await rawObjects(files, file)
  const archive = Buffer.from(await prosody.stored(), 'latin1')
  const output = servers.map((one) => Buffer.from(one.log()))
  await server.stop()
  const databases = await filesUnder(folder)
  const places: readonly Place[] = [
    {
      name: "Prosody's archive, as it lies in its files",
      parts: [archive],
      control: [CONTROL, 'a message without Keyhaven'],
    },
    {
      name: `the objects in ${files.name}`,
      parts: [...objects.values()],
      control: [CONTROL, 'a file without Keyhaven'],
    },
    {
      name: "the key servers' databases, anchors and log files",
      parts: databases,
      control: [CONTROL, "the reason of carl's removal, which is for all to see"],
    },
    {
      name: "the servers' output, at level trace",
      parts: output,
      control: ['/exports', "the operators' calls"],
    },
    {
      name: 'the line to the key server',
      parts: [line.bytes()],
      control: [CONTROL, 'a call past the channel'],
    },
  ]
  const secrets: readonly (readonly [string, string | Uint8Array])[] = [
    ['the marker', MARKER],
    ['the sealed key', keys.sealedKey],
    ['the managed key', keys.managedKey],
    ['the key of the file', Buffer.from(file.key, 'base64url')],
  ]
  for (const { name, parts, control } of places) {
    const found = secrets.map(([what, secret]) => `${what} ${sightingsIn(parts, secret)}`)
    const [text, what] = control
    const clear = sightingsIn(parts, text)
    tour.claim(
      clear > 0 && found.every((count) => count.endsWith(' 0')),
      `${name} (${size(parts)}): ${found.join(', ')} times; control: ${what}, ${clear}`,
    )
  }
  const handedOut = sightingsIn([Buffer.from(keys.exported)], keys.managedKey)
  const inFile = sightingsIn([Buffer.from(JSON.stringify(file))], Buffer.from(file.key, 'base64url'))
  tour.claim(
    handedOut === 1 && inFile === 1 && keys.sealedKey.length === keys.managedKey.length,
    'control: in what the operators were given, the same search finds the managed key; in the message, ' +
      'that of the file. The sealed key searched for is the one that opens the messages',
  )
  const url = sightingsIn([archive], file.url) + sightingsIn([archive], file.digest)
  const [names, ids] = [sightingsIn([archive], 'ben@localhost'), sightingsIn([archive], 'objectid')]
  tour.claim(
    url === 0 && names > 0 && ids > 0,
    `the file's address and digest at Prosody: ${url} times. What it knows: who writes to whom, when, how ` +
      `much (ben's address ${names} times), and key ids`,
  )
  const wrapped = [...objects].filter(([name]) => name.startsWith(KEYS_PREFIX))
  tour.claim(
    wrapped.length > 0 &&
      sightingsIn(
        wrapped.map(([, bytes]) => bytes),
        keys.managedKey,
      ) === 0,
    `managed keys lie there too, wrapped: ${wrapped.length} of ${wrapped[0]?.[1].length} bytes`,
  )
  const stored = objects.get(`files/demo/${file.url.split('/').at(-1)}`)
  const entropy = entropyBits(stored?.subarray(0, SAMPLE_BYTES) ?? Buffer.alloc(0))
  tour.claim(
    stored?.length === file.stored && entropy > NOISE_BITS,
    `the stored file: ${stored?.length} bytes, ${entropy.toFixed(2)} bits of chance in each byte`,
  )
  if (raw === undefined) return
  const encrypted = raw.pieces.every((piece) => stored?.includes(piece.subarray(0, 64)) === false)
  tour.claim(
    raw.pieces.length > 0 && encrypted && raw.mode.startsWith('SSE-KMS'),
    `below S3, ${raw.pieces.length} pieces read from Ceph's disk are encrypted once more: ${raw.mode}`,
  )
}

function size(parts: readonly Buffer[]): string {
  return `${(parts.reduce((sum, { length }) => sum + length, 0) / 1_000).toFixed(0)} kB`
}

async function objectsIn(store: ObjectStore): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for await (const { name } of store.list('')) {
    const pieces: Uint8Array[] = []
    for await (const piece of (await store.read(name)) ?? []) pieces.push(piece)
    found.set(name, Buffer.concat(pieces))
  }
  return found
}

/** The file past the gateway, and how the gateway says that it has encrypted it. */
async function rawObjects({ ceph }: FilePlace, file: FileContent) {
  if (ceph === undefined) return undefined
  const id = file.url.split('/').at(-1)!
  const names = (await ceph.gateway.rawNames()).filter((name) => name.includes(id))
  const pieces: Buffer[] = []
  for (const name of names) {
    const piece = pieces.length < RAW_OBJECTS ? await ceph.gateway.rawBytes(name) : Buffer.alloc(0)
    // One of them has no bytes: it lists the others.
    if (piece.length > 0) pieces.push(piece)
  }
  return { pieces, mode: await ceph.gateway.encryptionOf(ceph.config, `files/demo/${id}`) }
}

async function filesUnder(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const apart = [join(folder, DEVICES), join(folder, 'objects')]
  const files = entries.filter(
    (entry) => entry.isFile() && !apart.some((path) => entry.parentPath.startsWith(path)),
  )
  return await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))))
}
