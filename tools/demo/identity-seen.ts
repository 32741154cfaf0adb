import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { birOfCapture, encodeCbeff, parseCbeff } from '@keyhaven/identity'
import { sightingsIn } from './eavesdropper.ts'
import type { CallKeys } from './identity-partners.ts'
import type { Cast } from './identity-people.ts'
import type { IdentityScene, RoleName } from './identity-scene.ts'
import type { Shared } from './identity-shares.ts'
import { REGISTERED_PARTS } from './identity-station.ts'
import type { KeyServer } from './key-server.ts'
import { createSearch } from './search-many.ts'

/** Of a biometric, from its middle: enough to be nobody else's. */
const SLICE_BYTES = 24
/** Name in English, phone, e-mail address, UIN; an address besides. */
const TEXTS_ON_A_CARD = 4

/** Searches every file, log line and table of each role for what only the people and the bank may know. */
export async function whatRolesHold(
  scene: IdentityScene,
  cast: Cast,
  shared: Shared,
  { apiKey, licenceKey }: CallKeys,
): Promise<void> {
  const { tour, profile, main, ida, oprf } = scene
  tour.chapter(`${profile} 6. What lies in files, logs and tables`)
  const { people, templates, cards } = shared
  const texts = people.flatMap(({ person: { fields }, uin, vid }) => [
    ...[...fields.fullName, ...fields.addressLine1].map(({ value }) => value),
    ...[fields.dateOfBirth, fields.phone, fields.email, uin],
    ...(vid === undefined ? [] : [vid]),
  ])
  const biometrics = [
    ...people.flatMap(({ captured }) => captured.flatMap(({ value }) => value ?? [])),
    ...templates.flatMap((cbeff) => parseCbeff(cbeff).birs.map(({ bdb }) => bdb)),
  ].map(middleOf)
  const search = createSearch(new Set<string | Uint8Array>([...texts, apiKey, licenceKey, ...biometrics]))
  const captures = people.map(({ captured }) => encodeCbeff({ birs: captured.map(birOfCapture) }))
  const [onCards, inCaptures, inTemplates] = [cards, captures, templates].map(
    (opened) => search(opened.map((bytes) => Buffer.from(bytes))).found,
  )
  tour.claim(
    onCards! >= TEXTS_ON_A_CARD * people.length &&
      [inCaptures!, inTemplates!].every((found) => found >= people.length * REGISTERED_PARTS.length),
    `control: the search for ${texts.length} texts, two keys of the bank and pieces of ${biometrics.length} biometrics finds ${onCards} ` +
      `on the printer's cards, ${inCaptures} in what the devices gave, ${inTemplates} in what ABIS has`,
  )
  // With what must be found there, or the search would be worth nothing.
  const roles: readonly (readonly [RoleName, KeyServer | undefined, string])[] = [
    ['main', main, people[0]!.rid],
    ['ida', ida, cast.bank.name],
    ['oprf', oprf, 'oprf.evaluate'],
  ]
  for (const [role, server, known] of roles) {
    if (server === undefined) continue
    const files = await filesUnder(server.dataDir)
    const tables = rowsOf(join(server.dataDir, 'keyhaven.db'))
    const log = Buffer.from(server.log())
    const places = [
      [`${files.length} files`, files, known],
      [`${tables.length} tables with rows`, tables, known],
      [`${server.log().split('\n').length} lines of log`, [log], 'identity call'],
    ] as const
    const found = places.map(([name, parts, text]) => {
      const { found: times, bytes } = search(parts)
      return { name, times, bytes, isThere: sightingsIn(parts, text) > 0 }
    })
    tour.claim(
      found.every(({ times, isThere }) => times === 0 && isThere),
      `${role}: ${found.map(({ name, times, bytes }) => `${name} (${size(bytes)}) ${times}`).join(', ')} times; ` +
        'what must be there is found in each',
    )
  }
}

function middleOf(bytes: Uint8Array): Uint8Array {
  const start = Math.floor((bytes.length - SLICE_BYTES) / 2)
  return bytes.subarray(start, start + SLICE_BYTES)
}

async function filesUnder(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))))
}

/** Each table with rows, value after value: in the file a long one lies in pieces. */
function rowsOf(path: string): Buffer[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = db.prepare("select name from sqlite_master where type = 'table'").all()
    return tables.flatMap(({ name }) => {
      const rows = db.prepare(`select * from "${String(name)}"`).all()
      if (rows.length === 0) return []
      return [Buffer.concat(rows.flatMap((row) => Object.values(row).map(bytesOf)))]
    })
  } finally {
    db.close()
  }
}

function bytesOf(value: unknown): Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(`${String(value)}\n`)
}

function size(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
