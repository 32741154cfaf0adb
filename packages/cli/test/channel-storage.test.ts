import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openChannelStorage } from '../src/admin/channel-storage.ts'
import type { Context } from '../src/context.ts'
import { temporaryFolder } from './run-command.ts'

const contextIn = (folder: string) => ({ env: { XDG_STATE_HOME: folder } }) as unknown as Context
const SERVER = 'https://keys.example:8788'
const ROOTS = ['A'.repeat(43)]

test('what the channel remembers is there for the next command, for its owner only', async () => {
  await using folder = await temporaryFolder()
  const context = contextIn(folder.path)
  const first = openChannelStorage(context, SERVER, ROOTS)
  await first.set('manifest', 'one')
  await Promise.all([first.set('manifest', 'two'), first.set('installation', 'x')])
  const next = openChannelStorage(context, SERVER, ROOTS)
  expect([await next.get('manifest'), await next.get('installation')]).toEqual(['two', 'x'])
  const files = await readdir(join(folder.path, 'keyhaven'))
  expect(files).toHaveLength(1)
  expect((await stat(join(folder.path, 'keyhaven', files[0]!))).mode & 0o777).toBe(0o600)
})

test('another server or another root remembers nothing of it', async () => {
  await using folder = await temporaryFolder()
  const context = contextIn(folder.path)
  await openChannelStorage(context, SERVER, ROOTS).set('manifest', 'one')
  expect(await openChannelStorage(context, 'https://other.example', ROOTS).get('manifest')).toBeUndefined()
  expect(await openChannelStorage(context, SERVER, ['B'.repeat(43)]).get('manifest')).toBeUndefined()
})

test('a damaged file counts as nothing remembered', async () => {
  await using folder = await temporaryFolder()
  const context = contextIn(folder.path)
  await openChannelStorage(context, SERVER, ROOTS).set('manifest', 'one')
  const state = join(folder.path, 'keyhaven')
  await mkdir(state, { recursive: true })
  for (const name of await readdir(state)) await writeFile(join(state, name), '{"manifest":')
  expect(await openChannelStorage(context, SERVER, ROOTS).get('manifest')).toBeUndefined()
})
