import { describe, expect, test } from 'vitest'
import { findKeyEntry, KEY_TREE, keyEntry, validityYears } from '../../src/keys/key-tree.ts'

/** MOSIP's table of keys: number, application id / reference id, algorithm, whose key stands above it. */
const TABLE: readonly (readonly [
  id: string,
  name: string | undefined,
  algorithm: string,
  parent?: string,
])[] = [
  ['K1', 'ROOT', 'RSA-2048'],
  ['K2', 'REGISTRATION', 'RSA-2048', 'K1'],
  ['K3', 'PRE_REGISTRATION', 'RSA-2048', 'K1'],
  ['K4', 'KERNEL/SIGN', 'RSA-2048', 'K1'],
  ['K5', 'REGISTRATION_PROCESSOR', 'RSA-2048', 'K1'],
  ['K6', 'PMS', 'RSA-2048', 'K1'],
  ['K7', 'ID_REPO', 'RSA-2048', 'K1'],
  ['K7.1', 'ID_REPO/demographic_data', 'RSA-2048', 'K7'],
  ['K7.2', 'ID_REPO/biometric_data', 'RSA-2048', 'K7'],
  ['K7.3', 'ID_REPO/identity_data', 'RSA-2048', 'K7'],
  ['K7.4', 'ID_REPO/uin', 'RSA-2048', 'K7'],
  ['K7.5', 'ID_REPO/credential_request', 'RSA-2048', 'K7'],
  ['K8', 'RESIDENT', 'RSA-2048', 'K1'],
  ['K9', 'KERNEL/IDENTITY_CACHE', 'AES-256'],
  ['K10', undefined, 'RSA-2048'],
  ['K11', undefined, 'RSA-2048', 'K2'],
  ['K12', undefined, 'AES-256', 'K9'],
  ['K15', 'ROOT', 'RSA-2048'],
  ['K16', 'IDA', 'RSA-2048', 'K15'],
  ['K17', 'IDA/SIGN', 'RSA-2048', 'K15'],
  ['K18', 'IDA/IDENTITY_CACHE', 'AES-256'],
  ['K19', 'IDA/INTERNAL', 'RSA-2048', 'K16'],
  ['K20', 'IDA/PARTNER', 'RSA-2048', 'K16'],
  ['K21', 'IDA/FIR', 'RSA-2048', 'K16'],
  ['K22', 'IDA/CRED_SERVICE', 'RSA-2048', 'K16'],
  ...Array.from({ length: 9 }, (_, at) => [`PK${at + 1}`, undefined, 'RSA-2048'] as const),
  ['DKL0', undefined, 'RSA-2048'],
  ['DKL1', undefined, 'RSA-2048'],
  ['FK1', undefined, 'RSA-2048'],
]

describe('the tree of keys', () => {
  test('has every key of MOSIP’s table, with its name, kind and parent', () => {
    const rows = KEY_TREE.map(({ id, name, algorithm, parent }) => [
      ...[id, name && [name.appId, name.refId].filter((part) => part !== '').join('/'), algorithm],
      ...(parent === undefined ? [] : [parent]),
    ])
    expect(rows).toEqual(TABLE)
  })

  test('roots are valid for 5 years, module keys for 3, base keys for 2', () => {
    const years = (id: string) => validityYears(keyEntry(id))
    expect(['K1', 'K15'].map(years)).toEqual([5, 5])
    expect(['K2', 'K4', 'K7', 'K16', 'K17'].map(years)).toEqual([3, 3, 3, 3, 3])
    expect(['K7.1', 'K7.5', 'K11', 'K19', 'K22'].map(years)).toEqual([2, 2, 2, 2, 2])
  })

  test('what signs does not encrypt, and a role has no key of the other', () => {
    expect(KEY_TREE.filter(({ signs, encrypts }) => signs && encrypts)).toEqual([])
    for (const { role, name, id } of KEY_TREE) {
      if (role === undefined || name === undefined || name.appId === 'ROOT') continue
      expect(findKeyEntry(role, name)?.id).toBe(id)
      expect(findKeyEntry(role === 'main' ? 'ida' : 'main', name)).toBeUndefined()
    }
    expect(findKeyEntry('main', { appId: 'REGISTRATION', refId: '10001_10077' })?.id).toBe('K11')
    expect(findKeyEntry('ida', { appId: 'REGISTRATION', refId: '10001_10077' })).toBeUndefined()
    expect(findKeyEntry('main', { appId: 'REGISTRATION', refId: '../x' })).toBeUndefined()
  })
})
