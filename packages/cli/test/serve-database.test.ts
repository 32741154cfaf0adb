import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand, temporaryFolder } from './run-command.ts'

test('keyhaven serve names the database file that is none, and leaves it as it is', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'notes.db')
  const text = 'This is no SQLite database. '.repeat(200)
  await writeFile(file, text)
  const env = { KEYHAVEN_DATABASE_URL: `sqlite:${file}` }
  const result = await runCommand(['serve', '--data', join(folder.path, 'data')], { env, cwd: folder.path })
  expect(result.exitCode).not.toBe(0)
  expect(result.stderr).toContain(`error: ${file}: the file is not a database\n`)
  expect(await readFile(file, 'utf8')).toBe(text)
})

test('so does a folder in its place', async () => {
  await using folder = await temporaryFolder()
  const env = { KEYHAVEN_DATABASE_URL: `sqlite:${folder.path}` }
  const result = await runCommand(['serve', '--data', join(folder.path, 'data')], { env, cwd: folder.path })
  expect(result.stderr).toContain(`error: ${folder.path}: the database file cannot be opened\n`)
})
