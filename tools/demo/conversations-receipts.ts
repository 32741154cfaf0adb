import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ChatPeople } from './conversations-devices.ts'
import type { KnownKeys } from './conversations-modes.ts'
import { allOf, type ConversationScene, restart } from './conversations-scene.ts'
import { copyState, startKeyServer } from './key-server.ts'
import { outcome } from './messaging-scene.ts'

/** Who was given which key; and an operator who would rather not have been seen. */
export async function receipts(
  scene: ConversationScene,
  { anna, ben, chat }: ChatPeople,
  { managed }: KnownKeys,
): Promise<void> {
  const { tour, folder, servers, line } = scene
  tour.chapter('6. Receipts')
  const theirs = await ben.me.conversations.open(chat.id)
  const found = await allOf(theirs.receipts())
  const devices = new Set(found.map(({ to }) => ('device' in to ? `${to.username} ${to.device}` : '')))
  const carls = found.filter(({ to }) => 'device' in to && to.username === 'carl')
  tour.claim(
    found.length > 0 && found.every(({ sequence }, at) => sequence === at) && carls.length > 0,
    `${found.length} releases of sealed keys to ${devices.size} devices: each receipt is proven to be in ` +
      `the public log, none is missing; carl was given ${carls.length}`,
  )
  const managedCount = (await allOf(managed.receipts())).length
  const { dataDir, settings } = scene.server
  await scene.server.stop()
  const copy = join(folder, 'without-receipt')
  await copyState(dataDir, copy)
  const [withdrawn, changed] = falsify(join(copy, 'keyhaven.db'), managed.id, chat.id)
  const dishonest = await startKeyServer(copy, settings)
  servers.push(dishonest)
  await line.lead(dishonest.publicUrl)
  const missing = await outcome(allOf(managed.receipts()))
  const renamed = await outcome(allOf(theirs.receipts()))
  await dishonest.stop()
  await restart(scene)
  const again = await outcome(allOf(managed.receipts()).then(({ length }) => length))
  tour.claim(
    withdrawn === 1 && missing === 'LOG_INCONSISTENT',
    `the operator deletes the receipt of the export from the database: anna's phone, ${missing}`,
  )
  tour.claim(
    changed === 1 && renamed === 'PROOF_INVALID',
    `and writes another name into one of carl's: ben's phone, ${renamed}`,
  )
  tour.claim(
    again === String(managedCount) && anna.me.username === 'anna',
    `control: the honest server again, ${again} receipts of the managed conversation verify`,
  )
}

/** @returns how many receipts were deleted, and how many changed. */
function falsify(database: string, managed: string, sealed: string): [number, number] {
  const db = new DatabaseSync(database)
  try {
    const deleted = db
      .prepare(`delete from conversation_receipts where conversation = ? and item like '%"kind":"export"%'`)
      .run(managed)
    const rename = `update conversation_receipts
      set item = replace(item, '"username":"carl"', '"username":"kurt"')
      where rowid = (select rowid from conversation_receipts
                     where conversation = ? and item like '%"username":"carl"%' limit 1)`
    const updated = db.prepare(rename).run(sealed)
    return [Number(deleted.changes), Number(updated.changes)]
  } finally {
    db.close()
  }
}
