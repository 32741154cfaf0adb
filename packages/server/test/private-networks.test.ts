import { expect, test } from 'vitest'
import { isPrivateAddress } from '../src/identity/events/private-networks.ts'

test.each([
  ['8.8.8.8', false],
  ['2606:4700::1111', false],
  ['192.168.1.1', true],
  ['100.64.0.1', true],
  ['fe80::1%eth0', true],
  ['2002:7f00:1::', true],
  ['2001:db8::1', true],
  ['', true],
  ['localhost', true],
])('%s private: %s', (address, isPrivate) => {
  expect(isPrivateAddress(address)).toBe(isPrivate)
})
