import { KeyhavenError, toBase64 } from '@keyhaven/crypto'
import { describe, expect, it } from 'vitest'
import { MAX_PACKET_BYTES } from '../../src/message/limits.ts'
import {
  decodeMessage,
  encodeContent,
  FALLBACK_BODY,
  MAX_STANZA_CHARACTERS,
  messageElement,
  type ProtectedContent,
  parseStanza,
  writeElement,
} from '../../src/xmpp/index.ts'

const PACKET = '5MFUu9BmMxjkAhHs5OSqjQ=='
const content: ProtectedContent = { kind: 'conversation', objectId: '5YGC0FF90k', packet: PACKET }

function refusal(text: string): string {
  try {
    decodeMessage(parseStanza(text))
  } catch (error) {
    if (error instanceof KeyhavenError) return error.code
    throw error
  }
  return 'accepted'
}
const encrypted = (inner: string, attributes = "objectid='5YGC0FF90k'"): string =>
  `<message to='juliet@test.com'><encrypted xmlns='jabber:encrypted' ${attributes}>${inner}</encrypted></message>`

describe('the packet in a message stanza', () => {
  it("reads the specification's example", () => {
    const text =
      "<message to='juliet@test.com' from='romeo@test.com' id='send1'>" +
      `<encrypted xmlns = 'jabber:encrypted' objectid = '5YGC0FF90k'> ${PACKET} </encrypted> </message>`
    expect(decodeMessage(parseStanza(text))).toEqual(content)
  })

  it('writes the packet, the name of the encryption, the hint to store it and a fallback body', () => {
    const stanza = messageElement({ to: 'juliet@test.com', id: 'send1' }, encodeContent(content))
    expect(writeElement(stanza)).toBe(
      '<message xmlns="jabber:client" type="chat" to="juliet@test.com" id="send1">' +
        `<encrypted xmlns="jabber:encrypted" objectid="5YGC0FF90k">${PACKET}</encrypted>` +
        '<encryption xmlns="urn:xmpp:eme:0" namespace="jabber:encrypted" name="Keyhaven"/>' +
        `<store xmlns="urn:xmpp:hints"/><body>${FALLBACK_BODY}</body></message>`,
    )
    expect(decodeMessage(parseStanza(writeElement(stanza)))).toEqual(content)
  })

  it('carries an envelope of the messaging package, whatever characters are in it', () => {
    const envelope = JSON.stringify({ from: 'жанна\u2028"<&>\uffff', ciphertext: 'AAAA' })
    const stanza = messageElement({ to: 'ben@test.com' }, encodeContent({ kind: 'envelope', envelope }))
    expect(decodeMessage(parseStanza(writeElement(stanza)))).toEqual({ kind: 'envelope', envelope })
  })

  it('knows the element by its namespace, whatever the prefix', () => {
    const prefixed = `<message xmlns:k='jabber:encrypted'><k:encrypted objectid='a'>AAAA</k:encrypted></message>`
    expect(decodeMessage(parseStanza(prefixed))).toMatchObject({ objectId: 'a', packet: 'AAAA' })
    for (const other of ['jabber:x:encrypted', 'jabber:client', ' jabber:encrypted', '']) {
      const text = `<message><encrypted xmlns='${other}' objectid='a'>AAAA</encrypted></message>`
      expect(decodeMessage(parseStanza(text))).toBeUndefined()
    }
  })

  it('finds nothing protected in a body, however it is dressed up', () => {
    const eme = "<encryption xmlns='urn:xmpp:eme:0' namespace='jabber:encrypted' name='Keyhaven'/>"
    expect(decodeMessage(parseStanza(`<message><body>trust me</body>${eme}</message>`))).toBeUndefined()
    const within = `<message><x xmlns='a:b'>${encrypted('AAAA')}</x></message>`
    expect(decodeMessage(parseStanza(within))).toBeUndefined()
    const both = encrypted('AAAA').replace('</message>', '<body>trust me</body></message>')
    expect(JSON.stringify(decodeMessage(parseStanza(both)))).not.toContain('trust')
  })

  it.each(['', 'a b', 'ä', 'a'.repeat(65), 'a/b', 'a.b', '../a'])('refuses the objectid "%s"', (id) => {
    expect(refusal(encrypted('AAAA', `objectid='${id}'`))).toBe('WIRE_MALFORMED')
    expect(() => encodeContent({ ...content, objectId: id })).toThrow('objectid')
  })

  it.each([
    '',
    'AAA',
    'AAA=A',
    'AA AA',
    'AAAA\nAAAA',
    'AB==',
    'AAB=',
    'A===',
    '====',
    'AAA-',
    'AAA_',
    'AAAA====',
    'AAAA=',
    '\u00a0AAAA',
    '<b/>AAAA',
  ])('refuses the packet "%s"', (packet) => {
    expect(refusal(encrypted(packet))).toBe('WIRE_MALFORMED')
  })

  it('refuses two, another attribute, and no objectid', () => {
    const one = "<encrypted xmlns='jabber:encrypted' objectid='a'>AAAA</encrypted>"
    expect(refusal(`<message>${one}${one}</message>`)).toBe('WIRE_MALFORMED')
    const envelope = "<message-envelope xmlns='urn:keyhaven:message:1'>e30=</message-envelope>"
    expect(refusal(`<message>${one}${envelope}</message>`)).toBe('WIRE_MALFORMED')
    expect(refusal(`<message>${envelope}${envelope}</message>`)).toBe('WIRE_MALFORMED')
    expect(refusal(encrypted('AAAA', "objectid='a' alg='none'"))).toBe('WIRE_MALFORMED')
    expect(refusal(encrypted('AAAA', ''))).toBe('WIRE_MALFORMED')
  })

  it('takes the largest packet, and no larger one', () => {
    const largest = toBase64(new Uint8Array(MAX_PACKET_BYTES))
    expect(refusal(encrypted(largest))).toBe('accepted')
    expect(refusal(encrypted(toBase64(new Uint8Array(MAX_PACKET_BYTES + 1))))).toBe('WIRE_TOO_LARGE')
    expect(refusal(encrypted(`${largest}AAAA`))).toBe('WIRE_TOO_LARGE')
  })
})

describe('time', () => {
  it('does not depend on what white space is in the packet', () => {
    const before = process.cpuUsage()
    expect(refusal(encrypted(`A${' '.repeat(1_000_000)}A`))).toBe('WIRE_TOO_LARGE')
    expect(refusal(encrypted(`A${' '.repeat(260_000)}A`))).toBe('WIRE_MALFORMED')
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(2_000)
  })
})

describe('XML text', () => {
  it.each([
    ['a DTD', '<!DOCTYPE message><message/>'],
    ['an entity of its own', '<!DOCTYPE m [<!ENTITY e "AAAA">]><message>&e;</message>'],
    ['an external entity', '<!DOCTYPE m [<!ENTITY e SYSTEM "file:///etc/passwd">]><message>&e;</message>'],
    ['an unknown entity', '<message>&nbsp;</message>'],
    ['a comment', '<message><!-- a --></message>'],
    ['a processing instruction', '<message><?a b?></message>'],
    ['an XML declaration', "<?xml version='1.0'?><message/>"],
    ['an undeclared prefix', '<message><k:encrypted/></message>'],
    ['an undeclared prefix of an attribute', "<message k:a='b'/>"],
    ['a repeated attribute', "<message to='a' to='b'/>"],
    ['text before', 'a<message/>'],
    ['text after', '<message/>a'],
    ['a second stanza', '<message/><message/>'],
    ['a cut stanza', '<message><body>'],
    ['tags that cross', '<message><a><b></a></b></message>'],
    ['a forbidden character', '<message>\u0000</message>'],
    ['a reference to a forbidden character', '<message>&#0;</message>'],
    ['nothing', ''],
  ])('refuses %s', (_what, text) => {
    expect(refusal(text)).toBe('WIRE_MALFORMED')
  })

  it('stops at its limits before it builds anything', () => {
    expect(refusal(`<message>${'a'.repeat(MAX_STANZA_CHARACTERS)}</message>`)).toBe('WIRE_TOO_LARGE')
    expect(refusal('<a>'.repeat(33))).toBe('WIRE_TOO_LARGE')
    expect(refusal(`<message>${'<a/>'.repeat(1_024)}</message>`)).toBe('WIRE_TOO_LARGE')
    const attributes = Array.from({ length: 33 }, (_, index) => `a${index}='b'`).join(' ')
    expect(refusal(`<message ${attributes}/>`)).toBe('WIRE_TOO_LARGE')
    expect(refusal(`<message a='${'b'.repeat(8_193)}'/>`)).toBe('WIRE_TOO_LARGE')
  })

  it('writes what it reads', () => {
    const stanza = messageElement({ to: `a"'<>&@b\t\n\r` }, [
      { name: 'k:a', attrs: { 'xmlns:k': 'u:1', absent: undefined }, children: ['<&>"\'\r\n\t😀', 'end'] },
    ])
    const read = parseStanza(writeElement(stanza))
    expect(read.attrs.to).toBe(`a"'<>&@b\t\n\r`)
    expect(read.children[0]).toMatchObject({ name: 'k:a', children: ['<&>"\'\r\n\t😀end'] })
    expect(() => writeElement({ name: 'a', attrs: {}, children: ['\u0000'] })).toThrow(TypeError)
    expect(() => writeElement({ name: 'a b', attrs: {}, children: [] })).toThrow(TypeError)
    expect(() => writeElement({ name: 'a', attrs: { 'b=': '' }, children: [] })).toThrow(TypeError)
  })

  it('keeps no prototype of a name that was sent', () => {
    const read = parseStanza("<message __proto__='a' constructor='b'/>")
    expect(Object.getPrototypeOf(read.attrs)).toBeNull()
    expect(Object.keys(read.attrs)).toEqual(['__proto__', 'constructor'])
  })
})
