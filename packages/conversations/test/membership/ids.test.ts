import { nodeBackend } from '@keyhaven/crypto/node'
import { expect, test } from 'vitest'
import { isConversationId, newConversationId } from '../../src/membership/ids.ts'

test('an id is 16 random bytes, and no option of a command line', () => {
  const dashed = new Uint8Array(16).fill(0xf8)
  const plain = new Uint8Array(16).fill(1)
  const drawn = [dashed, dashed, plain]
  const id = newConversationId({ ...nodeBackend, randomBytes: () => drawn.shift()! })
  expect(id).toBe('AQEBAQEBAQEBAQEBAQEBAQ')
  expect(isConversationId(id)).toBe(true)
  expect(drawn).toEqual([])
})
