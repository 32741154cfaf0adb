import { hkdfSync } from 'node:crypto'
import { backend } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { oprfInput, personSecrets } from '../../src/oprf/person-secrets.ts'

describe('what a person’s id becomes by the oblivious PRF', () => {
  const output = () => new Uint8Array(64).fill(9)

  test('look-up tag and data key come from its output under different labels', async () => {
    const given = output()
    const { tag, personKey } = await personSecrets(backend, given)
    const derived = (label: string) =>
      new Uint8Array(hkdfSync('sha256', output(), 'keyhaven identity oprf v1', label, 32))
    expect(tag).toEqual(derived('look-up tag'))
    expect(personKey).toEqual(derived('data key'))
    expect(tag).not.toEqual(personKey)
    // The output itself is gone.
    expect(given).toEqual(new Uint8Array(64))
  })

  test('the input is of one application and id, wherever one ends and the other begins', () => {
    const inputs = [
      oprfInput('demo', '1234567890'),
      oprfInput('dem', 'o1234567890'),
      oprfInput('demo1', '234567890'),
      oprfInput('other', '1234567890'),
    ]
    expect(new Set(inputs.map((input) => Buffer.from(input).toString('hex'))).size).toBe(4)
  })
})
