import { expect, test } from 'vitest'
import { OPAQUE_TYPE, passiveType } from '../../src/files/passive-type.ts'

test.each([
  ...['text/html', 'TEXT/HTML', 'application/xhtml+xml', 'image/svg+xml', 'Image/SVG+xml'],
  ...['text/xml', 'application/xml', 'application/rss+xml', 'text/xsl', 'application/mathml+xml'],
  ...['text/javascript', 'application/javascript', 'application/ecmascript', 'application/pdf'],
  ...['multipart/x-mixed-replace', 'message/rfc822', 'text/css', 'text/cache-manifest', 'application/wasm'],
  ...['application/json', 'application/x-unheard-of', 'image/x-unheard-of', 'image/png+xml'],
])('%s from a sender is no type of a Blob', (type) => {
  expect(passiveType(type)).toBe(OPAQUE_TYPE)
})

test.each(['text/plain', 'image/png', 'image/jpeg', 'audio/ogg', 'video/mp4'])('%s stays', (type) => {
  expect(passiveType(type)).toBe(type)
  expect(passiveType(type.toUpperCase())).toBe(type)
})
