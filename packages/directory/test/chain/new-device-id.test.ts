import { backend } from '@keyhaven/crypto'
import { expect, test } from 'vitest'
import { isDeviceId } from '../../src/chain/names.ts'
import { newDeviceId } from '../../src/chain/new-device-id.ts'

test('a device id is 16 random bytes, and no option of a command line', () => {
  const dashed = new Uint8Array(16).fill(0xf8)
  const plain = new Uint8Array(16).fill(1)
  const drawn = [dashed, dashed, plain]
  const id = newDeviceId({ ...backend, randomBytes: () => drawn.shift()! })
  expect(id).toBe('AQEBAQEBAQEBAQEBAQEBAQ')
  expect(isDeviceId(id)).toBe(true)
  expect(drawn).toEqual([])
})
