import { createHash } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FileContent } from '@keyhaven/conversations'
import type { ChatPeople } from './conversations-devices.ts'
import { allOf, type ConversationScene, DEVICES } from './conversations-scene.ts'
import { MARKER, outcome } from './messaging-scene.ts'

const NAME = `${MARKER}-scan.tiff`
const MEGABYTE = 1_000_000
const BLOCK_BYTES = MEGABYTE
const OUTAGE_MS = 300
const CUT_WITHIN_BYTES = 2 * MEGABYTE
const SAMPLE_EVERY_MS = 20
/** What is sent again after a cut: the piece that was under way, at most, and the seal around it. */
const MAX_SENT_AGAIN_BYTES = 12 * MEGABYTE
const MAX_APPS_MEGABYTES = 150
/** A process that has just started takes some first: pieces that wait for the garbage collector. */
const MAX_SERVER_MEGABYTES = 200
const PROGRESS_STEPS = 4

/** A large file: up, down, cut in the middle both times. @returns what the message says about it. */
export async function largeFile(
  scene: ConversationScene,
  { anna, ben, carl, chat }: ChatPeople,
): Promise<FileContent> {
  const { tour, line, files, fileBytes } = scene
  tour.chapter(`7. A file of ${megabytes(fileBytes)} through ${files.name}`)
  if (files.instead !== undefined) tour.say(`Not through Ceph, but ${files.name}: ${files.instead}`)
  const path = join(scene.folder, DEVICES, 'scan.tiff')
  const digest = await writeFile(path, fileBytes)
  line.keeps = false
  const memory = watchMemory(scene.server.pid)

  const up = interrupted(scene, 'up')
  const content = await chat.files.upload(await openAsBlob(path, { type: 'image/tiff' }), {
    name: NAME,
    onProgress: up.progress,
  })
  tour.claim(
    up.cutAt !== undefined && up.again(content.stored) < MAX_SENT_AGAIN_BYTES,
    `anna's phone uploads it; the line is cut at ${up.cutAt} %, and it goes on from there: of ` +
      `${megabytes(content.stored)} ${megabytes(up.again(content.stored))} were sent twice`,
  )
  await anna.adapter.send('ben@localhost', chat.id, content)
  const message = await ben.shown(({ kind }) => kind === 'file')
  const theirs = await ben.me.conversations.open(chat.id)
  const down = interrupted(scene, 'down')
  const download = await theirs.files.download(message!.file!, { onProgress: down.progress })
  const hash = createHash('sha256')
  let received = 0
  for await (const piece of download.stream) {
    hash.update(piece)
    received += piece.length
  }
  const isSame = hash.digest('hex') === digest && received === fileBytes && download.metadata.name === NAME
  const again = down.again(content.stored)
  tour.claim(
    isSame && down.cutAt !== undefined && again < MAX_SENT_AGAIN_BYTES,
    `ben's phone downloads it, cut at ${down.cutAt} %, ${megabytes(again)} twice: ` +
      `${megabytes(received)}, the same SHA-256, the same name`,
  )
  const peak = await memory.stop()
  line.keeps = true
  tour.claim(
    peak.apps < MAX_APPS_MEGABYTES && peak.server < MAX_SERVER_MEGABYTES,
    `most memory meanwhile: both apps ${peak.apps} MB more than before, the key server ${peak.server} MB ` +
      'more',
  )

  const refused = await outcome(
    carl.me.conversations.open(chat.id).then(({ files: carls }) => carls.download(content)),
  )
  const receipts = (await allOf(theirs.receipts())).filter(({ kind }) => kind === 'file')
  tour.claim(
    refused === 'ACCESS_DENIED' && receipts.length === 1,
    `carl, who was removed before, and is told address and key by somebody: ${refused}. The download left ` +
      `${receipts.length} receipt`,
  )
  return content
}

/** Shows the progress of a transfer, and cuts the line once, half way. */
function interrupted({ tour, line, server }: ConversationScene, way: string) {
  const before = line.passed
  const state = { isMeant: false, cutAt: undefined as number | undefined, shown: 0 }
  return {
    /** In percent; undefined if it was not cut. */
    get cutAt() {
      return state.cutAt
    },
    /** What passed the line beyond what was to be passed. */
    again: (bytes: number) => line.passed - before - bytes,
    progress({ done, total }: { readonly done: number; readonly total: number }): void {
      const step = Math.floor((done / total) * PROGRESS_STEPS)
      if (step > state.shown) {
        state.shown = step
        tour.say(`${way}: ${megabytes(done)} of ${megabytes(total)}`)
      }
      if (state.isMeant || done < total / 2) return
      state.isMeant = true
      // While the next piece is under way.
      void line.cutAfter(CUT_WITHIN_BYTES).then(async () => {
        state.cutAt = Math.round((done / total) * 100)
        await delay(OUTAGE_MS)
        await line.lead(server.publicUrl)
      })
    },
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(bytes < MEGABYTE ? 1 : 0)} MB`
}

/** Text with the marker in each kilobyte. @returns its SHA-256, hex. */
async function writeFile(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  for (let at = 0; at < bytes; at += BLOCK_BYTES) {
    const line = `${MARKER} block ${at} `.padEnd(1_000, '.')
    const block = Buffer.alloc(Math.min(BLOCK_BYTES, bytes - at), line)
    hash.update(block)
    await file.write(block)
  }
  await file.close()
  return hash.digest('hex')
}

/** The most that this process and the server grow by. */
function watchMemory(serverPid: number): { stop(): Promise<{ apps: number; server: number }> } {
  const before = process.memoryUsage.rss()
  let most = before
  const serverBefore = residentOf(serverPid)
  let serverMost = 0
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
    void residentOf(serverPid).then((resident) => {
      serverMost = Math.max(serverMost, resident)
    })
  }, SAMPLE_EVERY_MS)
  return {
    async stop() {
      clearInterval(timer)
      const inMegabytes = (bytes: number) => Math.max(0, Math.round(bytes / MEGABYTE))
      return { apps: inMegabytes(most - before), server: inMegabytes(serverMost - (await serverBefore)) }
    },
  }
}

/** Of another process, in bytes; 0 where the system does not say. */
async function residentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024
}
