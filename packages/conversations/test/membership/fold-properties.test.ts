import { KeyhavenError } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HistoryRule, MembershipChange, Role } from '../../src/index.ts'
import type { AuthorKeys } from '../../src/membership/author.ts'
import { type ConversationState, currentMembers } from '../../src/membership/conversation-state.ts'
import { extendMembership } from '../../src/membership/fold-membership.ts'
import type { CreateChange } from '../../src/membership/membership-change.ts'
import { readPermission } from '../../src/membership/read-permission.ts'
import { mayWriteAt } from '../../src/membership/rights.ts'
import { START, TestConversation, TestPeople } from './kit.ts'

const USERS = ['ana', 'ben', 'cleo', 'dora']
const ROLES: readonly Role[] = ['owner', 'admin', 'member', 'reader']
const STEP_SECONDS = 100

interface Step {
  readonly by: string
  readonly action: 'add' | 'remove' | 'role' | 'rules' | 'mode'
  readonly target: string
  readonly role: Role
  readonly members: HistoryRule['members']
}

const user = fc.constantFrom(...USERS)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    // Mostly by the creator, so that most changes are allowed.
    by: fc.oneof({ weight: 3, arbitrary: fc.constant('ana') }, { weight: 1, arbitrary: user }),
    action: fc.constantFrom<Step['action']>('add', 'remove', 'add', 'remove', 'role', 'rules', 'mode'),
    target: user,
    role: fc.constantFrom(...ROLES),
    members: fc.constantFrom<HistoryRule['members']>('all', 'joined', START + 3 * STEP_SECONDS),
  }),
  { minLength: 1, maxLength: 14 },
)

async function changeOf(step: Step, { people, state }: TestConversation): Promise<MembershipChange> {
  const { action, target, role, members } = step
  const history = { members, devices: 'all' } as const
  if (action === 'add') return { kind: 'add', members: [await people.member(target, role)] }
  if (action === 'remove') return { kind: 'remove', username: target }
  if (action === 'role') return { kind: 'role', username: target, role }
  if (action === 'rules') return { kind: 'rules', history }
  return { kind: 'mode', mode: state.mode === 'sealed' ? 'managed' : 'sealed' }
}

/** Who was in after each entry, and what each was promised when he came: kept without the code under test. */
interface Ledger {
  readonly present: Set<string>[]
  readonly joined: { readonly username: string; readonly at: number; readonly rule: HistoryRule['members'] }[]
}

function mayRead({ present, joined }: Ledger, username: string, key: number, madeAt: number): boolean {
  if (present[key]!.has(username)) return true
  return joined.some(
    ({ username: name, at, rule }) =>
      name === username && at > key && (rule === 'all' || (rule !== 'joined' && madeAt >= rule)),
  )
}

test('whatever happens, server and reader agree, and nobody gets a key that was not made for him', async () => {
  const people = new TestPeople()
  for (const name of USERS) await people.device(name)
  let refusedKeys = 0
  let lateKeys = 0
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const conversation = new TestConversation(people)
      const initial: Omit<CreateChange, 'nonce'> = {
        ...{ kind: 'create', mode: 'sealed', algorithm: 'A256GCM' },
        history: { members: 'joined', devices: 'all' },
        ...{ rotation: { maxAge: null, maxMessages: null }, retention: null },
        members: [await people.member('ana', 'owner'), await people.member('ben', 'member')],
      }
      await conversation.put(await conversation.begin('ana', initial))
      // The server extends its state and asks for the devices of now; readers fold all from the start.
      let server: ConversationState = conversation.state
      const current: AuthorKeys = {
        signingKey: async ({ username }) => (await people.device(username)).recorded.signingKey,
      }
      const ledger: Ledger = {
        present: [new Set(['ana', 'ben'])],
        joined: ['ana', 'ben'].map((username) => ({ username, at: 0, rule: 'joined' as const })),
      }
      let rule: HistoryRule['members'] = 'joined'
      for (const step of list) {
        conversation.now += STEP_SECONDS
        const entry = await conversation.sign(step.by, await changeOf(step, conversation))
        try {
          server = await extendMembership(nodeBackend, server, [entry], { authors: current })
        } catch (error) {
          if (!(error instanceof KeyhavenError)) throw error
          continue
        }
        conversation.entries.push(entry)
        conversation.state = server
        const now = new Set(ledger.present.at(-1))
        if (step.action === 'add') {
          now.add(step.target)
          ledger.joined.push({ username: step.target, at: server.sequence, rule })
        }
        if (step.action === 'remove') now.delete(step.target)
        if (step.action === 'rules') rule = step.members
        ledger.present.push(now)
      }
      const state = await conversation.fold()
      expect(state).toEqual(server)
      expect(new Set(currentMembers(state).map(({ username }) => username))).toEqual(ledger.present.at(-1))
      const owners = currentMembers(state).filter(({ role }) => role === 'owner')
      expect(owners.length > 0 || state.memberCount === 0, 'somebody owns it').toBe(true)
      for (const username of USERS) {
        for (let membership = 0; membership <= state.sequence; membership++) {
          const madeAt = START + membership * STEP_SECONDS
          const reader = { username, chain: 0, deviceSince: START - 1 }
          const verdict = readPermission(state, reader, { membership, madeAt, mode: 'sealed' })
          expect(verdict.allowed, `${username} ${membership}`).toBe(
            mayRead(ledger, username, membership, madeAt),
          )
          if (!verdict.allowed) refusedKeys++
          if (!verdict.allowed && verdict.reason === 'removed') lateKeys++
          if (mayWriteAt(state, reader, membership))
            expect(ledger.present[membership]!.has(username)).toBe(true)
        }
      }
    }),
    { numRuns: 300 },
  )
  expect(refusedKeys).toBeGreaterThan(1_000)
  expect(lateKeys).toBeGreaterThan(100)
})
