import { expect, test } from 'vitest'
import { createStateFixture } from '../../../test/kit/engines.ts'
import { openObjectStore } from '../../server/src/platform/objects/open-object-store.ts'
import { runCommand } from './run-command.ts'

test('files verify finds what has no counterpart, and removes it only when told so twice', async () => {
  const fixture = await createStateFixture({ name: 'SQLite', dialect: 'sqlite' })
  await (await fixture.open({ schedule: false })).close()
  const objects = await openObjectStore(fixture.config.objects)
  const object = 'files/demo/AAAAAAAAAAAAAAAAAAAAAA'
  await objects.put(object, Buffer.from('nobody’s'))
  const run = (words: string[], given: { stdin?: string } = {}) =>
    runCommand(['files', 'verify', ...words], { env: fixture.env, cwd: fixture.folder, ...given })

  const found = await run([])
  expect(found.exitCode).toBe(1)
  expect(found.stdout).toContain(object)
  expect(found.stdout).toContain('the database does not know it')
  const json = await run(['--json'])
  expect(json.exitCode).toBe(1)
  expect(JSON.parse(json.stdout)).toEqual({
    ...{ files: 0, objects: 1, valid: false },
    findings: [{ problem: 'row-missing', object, repaired: false }],
  })
  for (const stdin of ['', 'no\n']) {
    const unconfirmed = await run(['--repair'], { stdin })
    expect(unconfirmed.exitCode).toBe(2)
    expect(unconfirmed.stderr).toContain('nothing was changed')
  }
  expect(await objects.head(object)).toBeDefined()
  const repaired = await run(['--repair'], { stdin: 'repair\n' })
  expect(repaired.exitCode).toBe(0)
  expect(await objects.head(object)).toBeUndefined()
  const clean = await run(['--repair', '--yes', '--json'])
  expect(clean.exitCode).toBe(0)
  expect(JSON.parse(clean.stdout)).toEqual({ files: 0, objects: 0, findings: [], valid: true })
  const wrong = await run(['--objects', 's3'])
  expect(wrong.exitCode).not.toBe(0)
  expect(wrong.stderr).toContain('KEYHAVEN_S3_BUCKET')
  await fixture.dispose()
})
