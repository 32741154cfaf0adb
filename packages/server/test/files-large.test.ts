import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { TEST_ENV } from '../../../test/kit/server-process.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import { enrollUser } from './fixtures/directory-user.ts'
import { startFileServerProcess } from './fixtures/file-server-process.ts'
import { tusClient } from './fixtures/tus-client.ts'

const GIBIBYTES = Number(process.env.SOAK_FILE_GIBIBYTES ?? 0.5)
const FILE_BYTES = GIBIBYTES * 1_024 ** 3
const APP = 'app'
const ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const MS_PER_GIBIBYTE = 60_000
/** More than it had before: buffers of a few pieces, and what waits for the garbage collector. */
const MAX_MORE_KIBIBYTES = 160 * 1_024

/** The most memory that a process ever had, in KiB. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1])
}

test.runIf(process.platform === 'linux')(
  `${GIBIBYTES} GiB come down in bounded memory, also to a client that is slow or goes away`,
  async () => {
    const fixture = await createStateFixture(ENGINES[0]!, TEST_ENV)
    const server = await startFileServerProcess(fixture.env)
    await callAdmin(server.adminUrl, 'POST', '/applications', { id: APP, suite: 'x25519' })
    const user = await enrollUser(server, APP, 'ana')
    const client = tusClient(user, APP)
    // One part of zeros that takes no room.
    const { objects } = fixture.config
    const folder = join(objects.kind === 'disk' ? objects.dir : '', 'files', APP, `${ID}.parts`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '1-zeros'), '')
    await truncate(join(folder, '1-zeros'), FILE_BYTES)
    await writeFile(
      join(folder, 'manifest.json'),
      JSON.stringify([{ part: 1, tag: 'zeros', bytes: FILE_BYTES }]),
    )
    const state = await fixture.open({ schedule: false })
    await state.db
      .insertInto('files')
      .values({
        ...{ application_id: APP, id: ID, conversation: 'c', membership: 0, username: 'ana', device: 'd' },
        ...{
          state: 'complete',
          bytes: FILE_BYTES,
          received: FILE_BYTES,
          upload: '',
          tail: '',
          tail_bytes: 0,
        },
        ...{ created_at: 0, changed_at: 0 },
      })
      .execute()
    const path = `/v1/files/${ID}`
    expect((await (await client.get(path, 'bytes=0-9')).arrayBuffer()).byteLength).toBe(10)
    const before = await peakMemory(server.pid)
    // One that takes a piece and no more, one that goes away.
    const slow = (await client.get(path)).body!.getReader()
    await slow.read()
    await (await client.get(path)).body!.cancel()
    let received = 0
    for await (const piece of (await client.get(path)).body!) received += piece.length
    expect(received).toBe(FILE_BYTES)
    const tail = await client.get(path, `bytes=${FILE_BYTES - 5}-`)
    expect((await tail.arrayBuffer()).byteLength).toBe(5)
    const more = (await peakMemory(server.pid)) - before
    console.log(
      `${GIBIBYTES} GiB: ${Math.round(before / 1_024)} MiB before, ${Math.round(more / 1_024)} MiB more`,
    )
    expect(more).toBeLessThan(MAX_MORE_KIBIBYTES)
    await slow.cancel()
    await server.kill()
    await fixture.dispose()
  },
  GIBIBYTES * MS_PER_GIBIBYTE + 240_000,
)
