import { KeyhavenError, toBase64 } from '@keyhaven/crypto'
import { describe, expect, it } from 'vitest'
import {
  decodeMessage,
  encodeContent,
  messageElement,
  parseStanza,
  writeElement,
} from '../../src/xmpp/index.ts'

const STANZAS = 100_000
const BODY = 'trust me'
const PACKET = toBase64(Uint8Array.from({ length: 120 }, (_, index) => index))
const SEEDS = [
  writeElement(
    messageElement(
      { to: 'ben@localhost', id: 'one' },
      encodeContent({ kind: 'conversation', objectId: '5YGC0FF90k', packet: PACKET }, { fallback: BODY }),
    ),
  ),
  writeElement(
    messageElement({ to: 'ben@localhost' }, encodeContent({ kind: 'envelope', envelope: '{"v":1,"n":"ä"}' })),
  ),
  `<message xmlns:k='jabber:encrypted'><k:encrypted objectid='a'><![CDATA[${PACKET}]]></k:encrypted></message>`,
]
const PIECES = [
  '<',
  '>',
  '&',
  ';',
  '"',
  "'",
  '/',
  '=',
  ' ',
  '\u0000',
  '\ud800',
  '\uffff',
  ':',
  '!',
  '?',
  '-',
  '<!DOCTYPE m [<!ENTITY a "b">]>',
  '&a;',
  '&#0;',
  '&#x10ffff;',
  '&amp;',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<?x?>',
  "xmlns='jabber:encrypted'",
  "xmlns:k=''",
  'xmlns',
  "objectid='x'",
  '<encrypted/>',
  '</encrypted>',
  '<body>',
  '</message>',
  '__proto__',
  'A'.repeat(70),
  '='.repeat(3),
]

/** Repeatable: a test that fails, fails again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

describe('mutated stanzas', () => {
  it('give a typed error or a content that is exact, and nothing else', () => {
    const random = randomNumbers(20)
    let accepted = 0
    let refused = 0
    for (let count = 0; count < STANZAS; count++) {
      let text = SEEDS[random(SEEDS.length)]!
      for (let change = 1 + random(4); change > 0; change--) text = mutate(text, random)
      try {
        const content = decodeMessage(parseStanza(text))
        accepted++
        if (content?.kind === 'conversation') {
          if (!/^[A-Za-z0-9_-]{1,64}$/.test(content.objectId)) throw new Error(`objectid ${content.objectId}`)
          if (toBase64(Buffer.from(content.packet, 'base64')) !== content.packet)
            throw new Error(content.packet)
        }
        if (JSON.stringify(content)?.includes(BODY)) throw new Error('the body was taken for protected')
      } catch (error) {
        if (!(error instanceof KeyhavenError) || !error.code.startsWith('WIRE_')) throw error
        refused++
      }
    }
    // The mutations reach both sides.
    expect(accepted).toBeGreaterThan(STANZAS / 50)
    expect(refused).toBeGreaterThan(STANZAS / 4)
  })
})

function mutate(text: string, random: (below: number) => number): string {
  const at = random(text.length + 1)
  const length = random(8)
  switch (random(5)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length)
    case 1:
      return text.slice(0, at) + PIECES[random(PIECES.length)]! + text.slice(at)
    case 2:
      return text.slice(0, at) + String.fromCharCode(random(128)) + text.slice(at + 1)
    case 3: {
      const from = random(text.length)
      return text.slice(0, at) + text.slice(from, from + random(120)) + text.slice(at)
    }
    default:
      return random(4) === 0
        ? text.slice(0, at)
        : text.slice(0, at) + text.slice(at, at + length).toUpperCase() + text.slice(at + length)
  }
}
