import type { MessagingStore } from '../../src/index.ts'

/** What every store must do. Plain functions without a test runner: they also run inside a browser. */
export interface ConformanceCase {
  readonly name: string
  run(open: () => Promise<MessagingStore>): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)

function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`)
}

async function put(
  store: MessagingStore,
  key: string,
  version: number | null,
  value: string,
): Promise<boolean> {
  return store.commit({ expect: [{ key, version }], put: [{ key, value: bytes(value) }] })
}

export const CONFORMANCE: readonly ConformanceCase[] = [
  {
    name: 'gives back what was put, with its version',
    async run(open) {
      const store = await open()
      equal(await store.get('a/1'), undefined, 'before')
      equal(await put(store, 'a/1', null, 'one'), true, 'put')
      const first = await store.get('a/1')
      equal([text(first?.value), first?.version], ['one', 1], 'first')
      equal(await put(store, 'a/1', 1, 'two'), true, 'put again')
      const second = await store.get('a/1')
      equal([text(second?.value), second?.version], ['two', 2], 'second')
    },
  },
  {
    name: 'refuses a change whose expectation does not hold, whole',
    async run(open) {
      const store = await open()
      await put(store, 'a/1', null, 'one')
      equal(await put(store, 'a/1', null, 'x'), false, 'expected to be absent')
      equal(await put(store, 'a/1', 2, 'x'), false, 'another version')
      equal(await put(store, 'a/2', 1, 'x'), false, 'expected to be there')
      const both = await store.commit({
        expect: [
          { key: 'a/3', version: null },
          { key: 'a/1', version: 7 },
        ],
        put: [{ key: 'a/3', value: bytes('x') }],
        delete: ['a/1'],
      })
      equal(both, false, 'one of two')
      equal([await store.get('a/3'), text((await store.get('a/1'))?.value)], [undefined, 'one'], 'after')
    },
  },
  {
    name: 'changes several keys at once',
    async run(open) {
      const store = await open()
      await put(store, 'a/1', null, 'one')
      const done = await store.commit({
        expect: [
          { key: 'a/1', version: 1 },
          { key: 'a/2', version: null },
          { key: 'a/3', version: null },
        ],
        put: [{ key: 'a/2', value: bytes('two') }],
        delete: ['a/1'],
      })
      equal(done, true, 'done')
      equal([await store.get('a/1'), text((await store.get('a/2'))?.value)], [undefined, 'two'], 'after')
      equal(await put(store, 'a/1', null, 'anew'), true, 'a deleted key is absent')
    },
  },
  {
    name: 'lists by prefix, in order, in pages',
    async run(open) {
      const store = await open()
      for (const key of ['b/1', 'a/3', 'a/1', 'a/2', 'ab/1', 'a']) await put(store, key, null, '')
      equal(await store.list('a/'), ['a/1', 'a/2', 'a/3'], 'all')
      equal(await store.list('a/', { limit: 2 }), ['a/1', 'a/2'], 'first page')
      equal(await store.list('a/', { after: 'a/2', limit: 2 }), ['a/3'], 'second page')
      equal(await store.list('a/', { after: 'a/3' }), [], 'behind the end')
      equal(await store.list('c/'), [], 'none')
    },
  },
  {
    name: 'refuses a change without an expectation',
    async run(open) {
      const store = await open()
      let refused = 0
      const value = bytes('x')
      const changes = [
        { expect: [], put: [{ key: 'a', value }] },
        { expect: [], delete: ['a'] },
        {
          expect: [
            { key: 'a', version: null },
            { key: 'a', version: null },
          ],
        },
      ]
      for (const change of changes) {
        try {
          await store.commit(change)
        } catch (error) {
          if (error instanceof TypeError) refused++
        }
      }
      equal(refused, changes.length, 'refused')
    },
  },
  {
    name: 'keeps its own copy',
    async run(open) {
      const store = await open()
      const value = bytes('mine')
      await store.commit({ expect: [{ key: 'a', version: null }], put: [{ key: 'a', value }] })
      value.fill(0)
      const read = (await store.get('a'))!
      equal(text(read.value), 'mine', 'after the writer overwrote it')
      read.value.fill(0)
      equal(text((await store.get('a'))?.value), 'mine', 'after the reader overwrote it')
    },
  },
  {
    name: 'lets one of many writers win',
    async run(open) {
      const stores = [await open(), await open()]
      await put(stores[0]!, 'race', null, '0')
      let wins = 0
      for (let round = 1; round <= 20; round++) {
        const attempts = stores.flatMap((store) => [1, 2].map(() => put(store, 'race', round, String(round))))
        wins += (await Promise.all(attempts)).filter(Boolean).length
      }
      equal(wins, 20, 'wins')
      equal((await stores[1]!.get('race'))?.version, 21, 'version')
    },
  },
  {
    name: 'refuses every call once it is closed',
    async run(open) {
      const store = await open()
      await put(store, 'a', null, 'one')
      await store.close()
      const calls = [() => store.get('a'), () => store.list(''), () => put(store, 'a', 1, 'two')]
      const told: unknown[] = []
      for (const call of calls) {
        const refusal = (async () => call())().then(
          () => 'answered',
          ({ code, message }) => `${code}: ${message}`,
        )
        told.push(await refusal)
      }
      equal(told, Array(3).fill('STORE_UNAVAILABLE: the store is closed: open the device again'), 'told')
    },
  },
]
