import { loadConfig, SETTING_NAMES } from '@keyhaven/server/maintenance'
import { expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { GATEWAY_SETTINGS, SERVE_SETTINGS } from '../src/local/server-settings.ts'
import { readSettings } from '../src/local/settings.ts'
import { leafCommands } from './command-tree.ts'

const context = (env: Record<string, string> = {}) => ({ env, cwd: '/srv' }) as unknown as Context

test('every setting of the server is an option or a documented variable of serve or gateway', () => {
  expect(GATEWAY_SETTINGS.map((setting) => setting.variable).sort()).toEqual([...SETTING_NAMES].sort())
})

test('secrets are no options', () => {
  const options = leafCommands().flatMap(([, command]) => command.options.map((option) => option.long))
  expect(options.filter((name) => /(token|secret|password|passphrase)$/.test(name ?? ''))).toEqual([
    '--passphrase',
  ])
  const passphrase = leafCommands().find(([path]) => path === 'trust root create')?.[1].options
  expect(passphrase?.find((option) => option.long === '--passphrase')?.isBoolean()).toBe(true)
})

test('an option wins over its variable, and file names start from the working folder', () => {
  const env = { KEYHAVEN_PORT: '1', KEYHAVEN_LOG_LEVEL: 'warn', KEYHAVEN_TRUST: 'of the command itself' }
  const config = readSettings(context(env), SERVE_SETTINGS, { port: '2', data: 'keys' }, loadConfig)
  expect(config).toMatchObject({ port: 2, dataDir: '/srv/keys', logLevel: 'warn' })
})

test('the defaults in the help are those of the server', () => {
  const given = Object.fromEntries(
    SERVE_SETTINGS.filter(
      (setting) => /^[\w.:]+$/.test(setting.default ?? '') && setting.variable !== 'KEYHAVEN_DATA_DIR',
    )
      .filter((setting) => !setting.variable.startsWith('KEYHAVEN_OIDC'))
      .map((setting) => [setting.variable, setting.default!]),
  )
  expect(Object.keys(given).length).toBeGreaterThan(5)
  expect(loadConfig(given)).toEqual(loadConfig({}))
})

test.each([
  [{ port: 'x' }, {}, /^--port must be/],
  [{}, { KEYHAVEN_PORT: 'x' }, /^KEYHAVEN_PORT must be/],
  [{ upstream: ['http://a/b'] }, {}, /^--upstream must be/],
  [{ data: '' }, {}, /^--data is empty/],
  [{ redisUrl: 'redis://:secret@127.0.0.1' }, {}, /^--redis-url: a password on the command line/],
])('a wrong setting is named as it was given: %j %j', (options, env, message) => {
  expect(() => readSettings(context(env), GATEWAY_SETTINGS, options, loadConfig)).toThrow(message)
})
