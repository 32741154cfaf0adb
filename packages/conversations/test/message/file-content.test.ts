import { utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import type { FileContent } from '../../src/index.ts'
import { decodeFileContent, encodeFileContent, fileIdOf, fileUrl } from '../../src/message/file-content.ts'
import { codeOf, newHash, newId } from '../membership/kit.ts'

const SERVER = 'https://keys.example.org/base'
const content = (): FileContent => ({
  url: fileUrl(SERVER, newId()),
  key: newHash(),
  digest: newHash(),
  size: 12_345,
  stored: 12_400,
  name: 'Grüße.pdf',
  type: 'application/pdf',
})

test('a file is described as it was', () => {
  const file = content()
  expect(decodeFileContent(encodeFileContent(file))).toEqual(file)
})

describe('what is refused:', () => {
  test.each<[string, Record<string, unknown>]>([
    ['no web address', { url: 'file:///etc/passwd' }],
    ['a script', { url: 'javascript:alert(1)' }],
    ['a user in the address', { url: `https://a:b@keys.example.org/v1/files/${newId()}` }],
    ['a query', { url: `${content().url}?x=1` }],
    ['a fragment', { url: `${content().url}#x` }],
    ['an address in another form', { url: `HTTPS://keys.example.org/v1/files/${newId()}` }],
    ['a relative address', { url: `/v1/files/${newId()}` }],
    ['a short key', { key: 'AAAA' }],
    ['a digest that is none', { digest: 7 }],
    ['a size that is not whole', { size: 1.5 }],
    ['a size below zero', { stored: -1 }],
    ['a path as name', { name: '../secret' }],
    ['another path as name', { name: 'a\\b' }],
    ['two dots as name', { name: '..' }],
    ['no name', { name: '' }],
    ['a name that turns round', { name: 'abc\u202efdp.exe' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a name that is too long', { name: 'x'.repeat(256) }],
    ['no media type', { type: 'pdf' }],
    ['a media type with parameters', { type: 'text/html; charset=x' }],
    ['a member more', { thumbnail: 'x' }],
    ['a member less', { digest: undefined }],
  ])('%s', async (_, over) => {
    const bad = { ...content(), ...over }
    expect(await codeOf(() => encodeFileContent(bad as FileContent))).toBe('WIRE_MALFORMED')
    expect(await codeOf(() => decodeFileContent(utf8(JSON.stringify(bad))))).toBe('WIRE_MALFORMED')
  })

  test('JSON in another form, and too much of it', async () => {
    const text = JSON.stringify(content())
    expect(await codeOf(() => decodeFileContent(utf8(` ${text}`)))).toBe('WIRE_MALFORMED')
    expect(await codeOf(() => decodeFileContent(utf8(text.slice(1))))).toBe('WIRE_MALFORMED')
    expect(await codeOf(() => decodeFileContent(new Uint8Array(8_193)))).toBe('WIRE_TOO_LARGE')
  })
})

test('only a file of the own key server has an id', async () => {
  const id = newId()
  expect(fileIdOf(fileUrl(SERVER, id), SERVER)).toBe(id)
  expect(fileIdOf(fileUrl(`${SERVER}/`, id), SERVER)).toBe(id)
  const others = [
    `https://evil.example.org/base/v1/files/${id}`,
    `https://keys.example.org/v1/files/${id}`,
    `http://keys.example.org/base/v1/files/${id}`,
    `https://keys.example.org:8443/base/v1/files/${id}`,
    `https://keys.example.org.evil.org/base/v1/files/${id}`,
    `https://keys.example.org/base/v1/files/../../../admin/${id}`,
    `https://keys.example.org/base/v1/files/${id}/info`,
    `https://keys.example.org/base/v1/files/${id}x`,
    `https://keys.example.org/base/v1/keys/${id}`,
  ]
  for (const url of others) expect(await codeOf(() => fileIdOf(url, SERVER)), url).toBe('RECORD_INVALID')
})
