import { SUITE_KEMS } from '@keyhaven/keys'
import { expect, test } from 'vitest'
import { ROLE_NAMES } from '../packages/cli/src/commands/tokens.ts'
import { SUITE_NAMES } from '../packages/cli/src/input/suite-option.ts'
import { ROLES } from '../packages/server/src/platform/auth/roles.ts'

test('the command line offers the suites and the roles that a server knows, and no others', () => {
  expect([...SUITE_NAMES].sort()).toEqual([...SUITE_KEMS].sort())
  expect([...ROLE_NAMES].sort()).toEqual([...ROLES].sort())
})
