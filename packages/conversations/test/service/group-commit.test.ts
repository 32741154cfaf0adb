import { KeyhavenError } from '@keyhaven/crypto'
import { expect, test } from 'vitest'
import { createGroupCommit, type Outcome } from '../../src/service/index.ts'

const soon = (start: () => void) => void setImmediate(start)

/** Batches as they were run; each ends when the test lets it. */
function recorder(runBatch: (items: readonly number[]) => Promise<readonly Outcome<number>[]>) {
  const batches: (readonly number[])[] = []
  const group = createGroupCommit<number, number>({
    maxItems: 4,
    soon,
    runBatch: (items) => {
      batches.push(items)
      return runBatch(items)
    },
  })
  return { batches, group }
}

const doubled = async (items: readonly number[]) => items.map((value) => ({ value: value * 2 }))

test('what comes together is one batch, what is too much for one is the next', async () => {
  const { batches, group } = recorder(doubled)
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((item) => group.submit(item)))
  expect(answers).toEqual([2, 4, 6, 8, 10, 12])
  expect(batches).toEqual([
    [1, 2, 3, 4],
    [5, 6],
  ])
})

test('while one batch commits, the next collects', async () => {
  let commit = () => {}
  const { batches, group } = recorder(async (items) => {
    if (items[0] === 1) await new Promise<void>((resolve) => (commit = resolve))
    return doubled(items)
  })
  const first = group.submit(1)
  while (batches.length === 0) await new Promise<void>((resolve) => soon(resolve))
  const later = [group.submit(2), group.submit(3)]
  await new Promise<void>((resolve) => soon(resolve))
  expect(batches).toHaveLength(1)
  commit()
  expect(await Promise.all([first, ...later])).toEqual([2, 4, 6])
  expect(batches).toEqual([[1], [2, 3]])
})

test('an item that makes the whole transaction fail is found, and fails alone', async () => {
  const { batches, group } = recorder(async (items) => {
    if (items.includes(3)) throw new Error('a constraint')
    return doubled(items)
  })
  const answers = await Promise.allSettled([1, 2, 3, 4].map((item) => group.submit(item)))
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(batches).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]])
})

test('a refused item is refused, and the others are answered', async () => {
  const { group } = recorder(async (items) =>
    items.map((value) => (value === 2 ? { error: new KeyhavenError('NOT_FOUND', 'no') } : { value })),
  )
  const answers = await Promise.allSettled([1, 2, 3].map((item) => group.submit(item)))
  expect(answers).toMatchObject([{ value: 1 }, { reason: { code: 'NOT_FOUND' } }, { value: 3 }])
})

test('a store that is gone is asked once, and everybody is told', async () => {
  const { batches, group } = recorder(async () => {
    throw new KeyhavenError('STORE_UNAVAILABLE', 'gone')
  })
  const answers = await Promise.allSettled([1, 2, 3].map((item) => group.submit(item)))
  expect(answers.every((answer) => answer.status === 'rejected')).toBe(true)
  expect(batches).toHaveLength(1)
})
