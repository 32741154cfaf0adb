import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AUDIT_ACTIONS } from '../src/admin/audit-actions.ts'
import { runCommand } from './run-command.ts'
import { startScriptedAdmin } from './scripted-admin.ts'

const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
const SOURCES = ['server', 'directory', 'keys', 'conversations', 'identity'].map(
  (name) => new URL(`../../${name}/src/`, import.meta.url).pathname,
)
/** Where an action is written down, or listed in the type of an entry. */
const ACTION = /(?:action:|entry\(|\|)\s*'([a-z]+(?:-[a-z]+)*(?:\.[a-z]+(?:-[a-z]+)*)+)'/g

const ANSWERS = {
  'GET /admin/v1/audit': { json: { items: [], nextCursor: null } },
  'GET /admin/v1/audit/actions': { json: { items: ['key.add', 'key.frobnicate'] } },
}

test.each([
  ['key.revok', 'key.revoke'],
  ['Directory.Reset', 'directory.reset'],
  ['key.frobnicat', 'key.frobnicate'],
])('audit list --action %s suggests %s', async (action, nearest) => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const result = await runCommand(['audit', 'list', '--action', action, '--server', admin.url], { env })
  expect(result.exitCode).toBe(2)
  expect(result.stderr).toContain(`there is no action "${action}", did you mean ${nearest}?`)
  expect(result.stderr).toContain('Use one of application.create, ')
  expect(admin.seen.map(({ path }) => path)).toEqual(['/admin/v1/audit/actions'])
})

test('nothing is suggested where nothing is near', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const args = ['audit', 'list', '--action', 'x', '--server', admin.url]
  expect((await runCommand(args, { env })).stderr).toContain('there is no action "x"\n')
})

test.each(['key.revoke', 'key.frobnicate'])(
  'audit list --action %s lists, also if nothing of the kind has happened',
  async (action) => {
    await using admin = await startScriptedAdmin(ANSWERS)
    const result = await runCommand(['audit', 'list', '--action', action, '--server', admin.url], { env })
    expect([result.exitCode, result.stdout.trim()]).toEqual([0, 'no entries'])
  },
)

test('the list has every action that is written somewhere, and no other', async () => {
  const found = new Set<string>()
  for (const folder of SOURCES) {
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'))
    for (const file of files) {
      const text = await readFile(join(folder, file), 'utf8')
      if (!/audit/i.test(text)) continue
      for (const [, action] of text.matchAll(ACTION)) found.add(action!)
    }
  }
  expect([...found].sort()).toEqual(AUDIT_ACTIONS)
})
