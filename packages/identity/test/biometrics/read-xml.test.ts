import { KeyhavenError, utf8 } from '@keyhaven/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CBEFF_NAMESPACE, MAX_CBEFF_BYTES } from '../../src/biometrics/cbeff-schema.ts'
import { type CbeffElement, readCbeffElements } from '../../src/biometrics/read-xml.ts'
import { isXmlText } from '../../src/biometrics/xml-text.ts'
import { anyDocument, changed, INSERTIONS } from './cbeff-documents.ts'
import { readWithSaxes } from './saxes-peer.ts'

const NS = `xmlns="${CBEFF_NAMESPACE}"`
const MEBIBYTE = 1_024 * 1_024
const ROOT = `<BIR ${NS}>`
const ENTRY = `${ROOT}<BIR><others><entry key="a">`
const ENTRY_END = '</entry></others></BIR></BIR>'

test('what XML lets a text, an attribute and a name space be written as is read', () => {
  const document =
    `\ufeff<?xml version="1.0" encoding='utf-8'?>\r\n<!-- - --><é:BIR xmlns:é="${CBEFF_NAMESPACE}">` +
    `<BIR ${NS} xmlns:é="urn:x" ><others\n><entry key = '"&#10;\r\n&apos;\t'>\r a&amp;&#x1F642;\r\n</entry >` +
    '<entry><![CDATA[&amp;]]]]><!----><![CDATA[>]]&gt;]]></entry><entry key=""/></others></BIR>' +
    '<é:SB> \u{a0}AA<![CDATA[==]]>\n</é:SB></é:BIR><!-- end --> '
  const element = (name: string, children: CbeffElement[], text = '', key?: string): CbeffElement => ({
    ...{ name, key, children, text },
  })
  expect(readCbeffElements(utf8(document))).toEqual(
    element('BIR', [
      element('BIR', [
        element('others', [
          element('entry', [], '\n a&\u{1f642}\n', '"\n \' '),
          element('entry', [], '&amp;]]>]]&gt;'),
          element('entry', [], '', ''),
        ]),
      ]),
      element('SB', [], 'AA=='),
    ]),
  )
})

describe('saxes and we', () => {
  test('read the same of any document, or both refuse it', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => requireAgreement(changed(g, anyDocument(g)))),
      { numRuns: 300 },
    )
  })

  test('read the same of whatever is one change away from a document', () => {
    const pieces = [
      `<c:BIR xmlns:c="${CBEFF_NAMESPACE}`,
      `"><BIR xmlns='${CBEFF_NAMESPACE}`,
      `'><others><entry key="a'">]]&gt;<![CDATA[<]]></entry></others ></BIR><!-- - --><c:SB/></c:BIR>\n`,
    ]
    for (const [index, piece] of pieces.entries()) {
      const [before, after] = [pieces.slice(0, index).join(''), pieces.slice(index + 1).join('')]
      // Only what is not the name of the name space.
      const length = piece.replace(CBEFF_NAMESPACE, '').length
      for (let at = 0; at <= length; at++) {
        requireAgreement(before + piece.slice(0, at) + piece.slice(at + 1) + after)
        for (const inserted of INSERTIONS) {
          requireAgreement(before + piece.slice(0, at) + inserted + piece.slice(at) + after)
        }
      }
    }
  })
})

describe('saxes reads it, and we refuse', () => {
  const declarations = Array.from({ length: 32 }, (_, index) => ` xmlns:p${index}="urn:x"`).join('')
  test.each([
    ['a version that is not 1.0', `<?xml version="1.1"?>${ROOT}</BIR>`, 'WIRE_MALFORMED'],
    ['a prefix that no name begins as', `<BIR ${NS} xmlns:1="urn:x"/>`, 'WIRE_MALFORMED'],
    ['white space beside the name of a name space', `<BIR xmlns=" ${CBEFF_NAMESPACE}"/>`, 'WIRE_MALFORMED'],
    ['white space as the name of a name space', `<BIR ${NS} xmlns:a="urn:x y"/>`, 'WIRE_MALFORMED'],
    ['more than 32 attributes', `<BIR ${NS}${declarations}/>`, 'WIRE_TOO_LARGE'],
    [
      'an attribute of more than 1024 characters',
      `<BIR ${NS} xmlns:a="${'u'.repeat(1_025)}"/>`,
      'WIRE_TOO_LARGE',
    ],
  ])('%s', (_, document, code) => {
    expect(readWithSaxes(utf8(document), 'saxes')).toMatchObject({ name: 'BIR' })
    expect(outcome(() => readCbeffElements(utf8(document)))).toBe(code)
  })
})

test('half a surrogate pair, which a text can have and bytes cannot, is refused', () => {
  expect(readCbeffElements(`${ENTRY}\u{10000}${ENTRY_END}`)).toEqual(
    readCbeffElements(utf8(`${ENTRY}\u{10000}${ENTRY_END}`)),
  )
  expect(outcome(() => readCbeffElements(`${ENTRY}\ud800${ENTRY_END}`))).toBe('WIRE_MALFORMED')
})

/** Were the time for one of them not in proportion to its length, this would take hours. */
describe('a large file that repeats', () => {
  test.each([
    ['white space in a tag', '<BIR', ' ', '', 'WIRE_MALFORMED'],
    ['white space in the declaration', '<?xml version="1.0"', ' ', '', 'WIRE_MALFORMED'],
    ['a letter of a name', '<', 'ж', '', 'WIRE_MALFORMED'],
    ['letters of a prefix', '<BIR xmlns:', '\u{10400}', '="urn:x"/>', 'WIRE_MALFORMED'],
    ['a letter of a value', '<BIR xmlns="', 'ж', '"/>', 'WIRE_TOO_LARGE'],
    ['elements in elements', ROOT, '<BIR>', '', 'WIRE_TOO_LARGE'],
    ['elements', ROOT, '<Others/>', '</BIR>', 'WIRE_TOO_LARGE'],
    ['declarations of name spaces', ROOT, `<Others xmlns:a="urn:a" ${NS}/>`, '</BIR>', 'WIRE_TOO_LARGE'],
    ['ampersands', ENTRY, '&', ENTRY_END, 'WIRE_MALFORMED'],
    ['dashes in a comment', `${ROOT}<!--`, '- ', '', 'WIRE_MALFORMED'],
    ['brackets in a CDATA section', `${ENTRY}<![CDATA[`, ']] ', '', 'WIRE_MALFORMED'],
    ['letters of a short text', `${ROOT}<BIR><BDBInfo><Level>`, 'a', '</Level>', 'WIRE_TOO_LARGE'],
  ])('%s', (_, before, unit, after, code) => {
    const times = (MAX_CBEFF_BYTES - utf8(before + after).length) / utf8(unit).length
    const bytes = utf8(before + unit.repeat(times) + after)
    expect(outcome(() => readCbeffElements(bytes))).toBe(code)
  })

  test('attributes, each with a name of its own', () => {
    const attributes = Array.from({ length: 500_000 }, (_, index) => `xmlns:a${index}="u"`)
    expect(outcome(() => readCbeffElements(`<BIR ${attributes.join(' ')}/>`))).toBe('WIRE_TOO_LARGE')
  })

  test.each([
    ['references', '&#9;', '\t'],
    ['CDATA sections', '<![CDATA[x]]>', 'x'],
    ['comments', '<!---->x', 'x'],
    ['carriage returns', '\r', '\n'],
  ])('%s: it is read', (_, unit, text) => {
    const times = Math.floor((2 * MEBIBYTE) / unit.length)
    const root = readCbeffElements(utf8(ENTRY + unit.repeat(times) + ENTRY_END))
    expect(root.children[0]!.children[0]!.children[0]!.text === text.repeat(times)).toBe(true)
  })
})

function requireAgreement(document: string): void {
  const bytes = utf8(document)
  const [ours, theirs] = [outcome(() => readCbeffElements(bytes)), outcome(() => readWithSaxes(bytes))]
  // We look for forbidden characters first, and so find them even behind what is too large.
  const isBothRefused = typeof ours === 'string' && typeof theirs === 'string'
  if (isBothRefused && (ours === theirs || !isXmlText(document))) return
  expect(JSON.stringify(ours), document).toBe(JSON.stringify(theirs))
}

/** What it reads, or the code that it refuses with. */
function outcome(read: () => CbeffElement): CbeffElement | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof KeyhavenError) return error.code
    throw error
  }
}
