import {
  commitmentOfKey,
  type Mode,
  membershipHash,
  newConversationId,
  newKeyId,
  recipientsRoot,
  signKeyAnnouncement,
  signKeyShare,
  signMembershipEntry,
  wrapConversationKey,
} from '@keyhaven/conversations'
import { backend, jwkThumbprint, randomId } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { startTestServer, type TestServer } from '../../../test/kit/test-server.ts'
import { type DirectoryUser, enrollUser } from './fixtures/directory-user.ts'
import { tusClient, upload } from './fixtures/tus-client.ts'

const APP = 'app'
const MS_PER_SECOND = 1_000
const ALGORITHM = 'A256GCM'
const NOTHING = [404, 'NOT_FOUND']
const NOT_ITS_ID = [400, 'RECORD_INVALID']
const NO_OPERATOR = [403, 'ACCESS_DENIED']

interface Place {
  readonly conversation: string
  readonly sequence: number
  readonly head: string
}

/** Somebody who has an id, as the XMPP server has those of keys, asks everything there is to ask. */
describe.each(ENGINES)('a stranger who has an id on $name', (engine) => {
  let server: TestServer
  let alice: DirectoryUser
  let managed: Place
  let manager: string
  const taken: Record<string, string> = {}
  const now = () => Math.floor(Date.now() / MS_PER_SECOND)
  const unknown = () => randomId(backend, 16)

  beforeAll(async () => {
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
    alice = await enrollUser(server, APP, 'alice')
    const made = await begin(alice, 'managed')
    managed = made.place
    const sealed = await begin(alice, 'sealed')
    const files = tusClient(alice, APP)
    const whole = await upload(files, managed.conversation, new Uint8Array(100))
    const open = (await files.create(sealed.place.conversation, 10)).headers.get('location')!
    const tokenOf = async (name: string, role: string): Promise<string> =>
      (await server.admin('POST', '/tokens', { name, roles: [role] })).body.token
    const exports = `/applications/${APP}/conversations/${managed.conversation}/exports`
    const asked = await server.admin('POST', exports, { reason: 'order 7' }, await tokenOf('one', 'admin'))
    manager = await tokenOf('manager', 'key-manager')
    Object.assign(taken, {
      'a managed conversation': managed.conversation,
      'a sealed conversation': sealed.place.conversation,
      'a managed key': made.key,
      'a sealed key': sealed.key,
      'a whole file': whole.split('/').at(-1),
      'an upload': open.split('/').at(-1),
      'an export': asked.body.id,
    })
  })
  afterAll(() => server?.dispose())

  async function pin({ username }: DirectoryUser) {
    const { chain, sequence, entries } = (
      await server.admin('GET', `/applications/${APP}/directory/users/${username}`)
    ).body
    const newest = entries.find((entry: { sequence: number }) => entry.sequence === sequence)
    return { chain, sequence, head: newest.hash as string }
  }

  async function signed(by: DirectoryUser) {
    const at = await pin(by)
    const author = { username: by.username, device: by.device.device, entry: at.head, ...at }
    return { application: APP, issued: now(), by: author }
  }

  async function creation(by: DirectoryUser, mode: Mode) {
    return {
      ...{ ...(await signed(by)), sequence: 0, previous: null },
      ...({ kind: 'create' as const, mode, algorithm: ALGORITHM, retention: null } as const),
      history: { members: 'all' as const, devices: 'all' as const },
      rotation: { maxAge: null, maxMessages: null },
      members: [{ username: by.username, role: 'owner' as const, ...(await pin(by)) }],
    }
  }

  /** A sealed key for the maker's own device. @param claimed - the id that it shall have. */
  async function announce(by: DirectoryUser, { conversation, ...membership }: Place, claimed?: string) {
    const { username, device } = by
    const jwk = device.encryptionKey
    const to = { username, device: device.device, thumbprint: await jwkThumbprint(backend, jwk) }
    const unnamed = {
      ...({ ...(await signed(by)), conversation, membership, algorithm: ALGORITHM } as const),
      recipients: await recipientsRoot(backend, [to]),
    }
    const named = await newKeyId(backend, unnamed)
    const key = claimed ?? named.key
    const context = { application: APP, conversation, key }
    const secret = backend.randomBytes(32)
    const commitment = await commitmentOfKey(backend, context, secret)
    const fields = { ...unnamed, ...named, key, commitment }
    const wrapped = await wrapConversationKey(backend, jwk, { ...context, from: to.device, to }, secret)
    const announcement = await signKeyAnnouncement(device.signer, fields)
    return { id: key, upload: { announcement, recipients: [{ ...to, wrapped }] } }
  }

  /** @param claimed - the ids that conversation and key shall have. */
  async function creationBody(
    by: DirectoryUser,
    mode: Mode,
    claimed: { conversation?: string; key?: string } = {},
  ) {
    const fields = await creation(by, mode)
    const named = await newConversationId(backend, fields)
    const conversation = claimed.conversation ?? named.conversation
    const entry = await signMembershipEntry(by.device.signer, { ...fields, ...named, conversation })
    const place: Place = { conversation, sequence: 0, head: await membershipHash(backend, entry) }
    const key = mode === 'sealed' ? (await announce(by, place, claimed.key)).upload : undefined
    return { place, body: { entry, ...(key && { key }) } }
  }

  async function begin(by: DirectoryUser, mode: Mode) {
    const { place, body } = await creationBody(by, mode)
    const answer = await by.call('POST', '/v1/conversations', body)
    const made = await answer.json()
    expect([answer.status, made.code]).toEqual([201, undefined])
    return { place, key: made.key.id as string }
  }

  /** Every call that takes an id, with one id in it. */
  function callsWith(id: string, me: DirectoryUser, own: Place): Record<string, () => Promise<Response>> {
    const conversation = `/v1/conversations/${id}`
    const key = `/v1/keys/${id}`
    const file = `/v1/files/${id}`
    const files = tusClient(me, APP)
    const exported = `/applications/${APP}/conversations/${managed.conversation}/exports/${id}`
    const create = async (mode: Mode, claimed: { conversation?: string; key?: string }) =>
      me.call('POST', '/v1/conversations', (await creationBody(me, mode, claimed)).body)
    const change = async () => ({ ...(await signed(me)), conversation: id, previous: own.head, sequence: 1 })
    return {
      'create a managed conversation': () => create('managed', { conversation: id }),
      'create a sealed conversation': () => create('sealed', { conversation: id }),
      'create one with a key': () => create('sealed', { key: id }),
      'begin one in its place': async () =>
        me.call(
          'POST',
          `${conversation}/entries`,
          (await creationBody(me, 'managed', { conversation: id })).body,
        ),
      'announce a key': async () =>
        me.call('POST', `/v1/conversations/${own.conversation}/keys`, (await announce(me, own, id)).upload),
      'change with a key': async () => {
        const fields = {
          ...(await change()),
          conversation: own.conversation,
          kind: 'rules' as const,
          retention: 9,
        }
        const entry = await signMembershipEntry(me.device.signer, fields)
        const place = { ...own, sequence: 1, head: await membershipHash(backend, entry) }
        const body = { entry, key: (await announce(me, place, id)).upload }
        return me.call('POST', `/v1/conversations/${own.conversation}/entries`, body)
      },
      show: () => me.call('GET', conversation),
      'show the rest': () => me.call('GET', `${conversation}?after=0`),
      receipts: () => me.call('GET', `${conversation}/receipts`),
      join: async () => {
        const member = { username: me.username, role: 'owner' as const, ...(await pin(me)) }
        const fields = { ...(await change()), kind: 'add' as const, members: [member] }
        const entry = await signMembershipEntry(me.device.signer, fields)
        return me.call('POST', `${conversation}/entries`, { entry })
      },
      rotate: () => me.call('POST', `${conversation}/keys`, {}),
      'announce in it': async () =>
        me.call('POST', `${conversation}/keys`, (await announce(me, { ...own, conversation: id })).upload),
      'upload to it': () => files.create(id, 10),
      'get a key': () => me.call('GET', key),
      'get keys': () => me.call('POST', '/v1/keys', { ids: [id] }),
      recipients: () => me.call('GET', `${key}/recipients`),
      'add recipients': async () =>
        me.call('PUT', `${key}/recipients`, { recipients: (await announce(me, own)).upload.recipients }),
      'ask for a key': () => me.call('POST', `${key}/requests`),
      share: async () => {
        const { issued, by } = await signed(me)
        const to = { username: 'alice', device: alice.device.device, key: 'A'.repeat(43) }
        const place = { application: APP, conversation: managed.conversation, key: id }
        const fields = { ...place, commitment: 'A'.repeat(43), to, issued, by }
        const share = await signKeyShare(me.device.signer, fields)
        return me.call('POST', `${key}/shares`, { share, wrapped: 'AAAA' })
      },
      HEAD: () => files.head(file),
      PATCH: () => files.patch(file, 0, new Uint8Array(10)),
      'finish it': () => files.patch(file, 10, new Uint8Array()),
      'get a file': () => files.get(file),
      'get a range': () => files.get(file, 'bytes=0-3'),
      info: () => files.call('GET', `${file}/info`),
      delete: () => files.remove(file),
      'approve in the channel': () => me.call('POST', `/admin/v1${exported}/approve`),
      'get an export in the channel': () => me.call('GET', `/admin/v1${exported}/keys`),
      'get an export outside of it': () => fetch(`${server.publicUrl}/admin/v1${exported}/keys`),
      'get an export from the admin API': () => fetch(`${server.adminUrl}/admin/v1${exported}/keys`),
      'get an export as another operator': () =>
        fetch(`${server.adminUrl}/admin/v1${exported}/keys`, {
          headers: { authorization: `Bearer ${manager}` },
        }),
    }
  }

  /** So that equal answers are those about the id, and not all one about something else. */
  const EXPECTED: Record<string, readonly unknown[]> = {
    'create a managed conversation': NOT_ITS_ID,
    'create a sealed conversation': NOT_ITS_ID,
    'create one with a key': NOT_ITS_ID,
    'begin one in its place': NOT_ITS_ID,
    'announce a key': NOT_ITS_ID,
    'change with a key': NOT_ITS_ID,
    ...{ show: NOTHING, 'show the rest': NOTHING, receipts: NOTHING, join: NOTHING, rotate: NOTHING },
    ...{ 'announce in it': NOTHING, 'upload to it': NOTHING, 'get a key': NOTHING },
    'get keys': [200, undefined],
    ...{ recipients: NOTHING, 'add recipients': NOTHING, 'ask for a key': NOTHING, share: NOTHING },
    ...{ HEAD: [404, undefined], PATCH: NOTHING, 'finish it': NOTHING, 'get a file': NOTHING },
    ...{ 'get a range': NOTHING, info: NOTHING, delete: NOTHING },
    ...{ 'approve in the channel': NO_OPERATOR, 'get an export in the channel': NO_OPERATOR },
    'get an export outside of it': NOTHING,
    'get an export from the admin API': [401, 'UNAUTHENTICATED'],
    'get an export as another operator': NO_OPERATOR,
  }

  async function answers(id: string, me: DirectoryUser, own: Place) {
    const found: Record<string, readonly [number, string, string | null]> = {}
    for (const [name, call] of Object.entries(callsWith(id, me, own))) {
      const answer = await call()
      const text = (await answer.text()).replaceAll(id, 'ID')
      found[name] = [answer.status, text, answer.headers.get('content-type')]
    }
    return found
  }

  test('cannot tell on any path whether it is taken: of a conversation, a key, a file, an upload, an export', async () => {
    let stranger = 0
    for (const [what, id] of Object.entries(taken)) {
      // Another one each: of names that are not there a user has only so many.
      const me = await enrollUser(server, APP, `mallory-${stranger++}`)
      const own = (await begin(me, 'sealed')).place
      const free = await answers(unknown(), me, own)
      expect(await answers(id, me, own), what).toEqual(free)
      const codes = Object.entries(free).map(([name, [status, text]]) => [
        name,
        [status, text === '' ? undefined : JSON.parse(text).code],
      ])
      expect(Object.fromEntries(codes)).toEqual(EXPECTED)
      expect(free['get keys']![1]).toBe('{"keys":[],"refused":[{"id":"ID","code":"NOT_FOUND"}]}')
      // Nothing of it was carried out: the own conversation is where it was.
      expect(await (await me.call('GET', `/v1/conversations/${own.conversation}`)).json()).toMatchObject({
        sequence: 0,
      })
    }
    expect(stranger).toBe(7)
  })

  test('nor does the same name in another application', async () => {
    await server.admin('POST', '/applications', { id: 'other', suite: 'x25519' })
    const other = await enrollUser(server, 'other', 'alice')
    for (const id of Object.values(taken)) {
      for (const path of [`/v1/conversations/${id}`, `/v1/keys/${id}`, `/v1/files/${id}/info`]) {
        const [there, nothing] = [
          await other.call('GET', path),
          await other.call('GET', path.replace(id, unknown())),
        ]
        expect([there.status, await there.text()]).toEqual([nothing.status, await nothing.text()])
        expect(there.status).toBe(404)
      }
    }
  })
})
