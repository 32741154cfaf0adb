import type { GeneratorValue } from 'fast-check'
import fc from 'fast-check'
import { CBEFF_CHILDREN, CBEFF_NAMESPACE, CBEFF_REPEATED } from '../../src/biometrics/cbeff-schema.ts'

const PREFIXES = ['', 'c', 'é', '_c.1-2', '\u{10400}x']
const SPACES = ['', '', ' ', '\n', '\r\n', '\r', '\t', ' \n ']
const COMMENTS = ['', '', '', '<!---->', '<!-- <BIR> & - ]]> -->', '<!--\r\n->-->']
const DECLARATIONS = [
  '',
  '\ufeff',
  '<?xml version="1.0"?>',
  '\ufeff<?xml version="1.0" encoding="UTF-8"?>\r\n',
  "<?xml\tversion = '1.0' encoding='utf-8' standalone='yes' ?>",
  '<?xml version="1.0" standalone="no"?> <!-- c -->',
]
const CHARACTERS = [...'abAZ09 \t\n\r<>&"\'];[-\u{85}\u{a0}é\u{2028}\u{fffd}\u{ffff}\u{10ffff}']

/** What {@link changed} puts in: pieces of what XML gives a meaning, and what it forbids. */
export const INSERTIONS = [
  ...'<>&;"\'=/!?[]-:#x0A \t\n\r\0\u{b}\u{7f}\u{85}\u{a0}é\u{300}\u{2028}\u{feff}\u{fffd}\u{fffe}\u{10400}',
  'xmlns',
  ' xmlns=""',
  ' xmlns:xml="a"',
  ' xmlns:p="a"',
  ' xmlns:p=""',
  ' xmlns:xmlns="a"',
  ' key="k"',
  ' key="l"',
  'p:',
  '<!--',
  '-->',
  '--',
  '<![CDATA[',
  ']]>',
  '<?p?>',
  '<?xml version="1.0"?>',
  '<!DOCTYPE BIR>',
  '/>',
  '</',
  '<BIR>',
  '</BIR>',
  '<entry>',
  '</entry>',
  '<Others/>',
  '<SB/>',
  '<:SB/>',
  `<BIR xmlns="${CBEFF_NAMESPACE}"/>`,
  '&lt;',
  '&#65;',
  '&#x41;',
  '&#X41;',
  '&a;',
  '&#0;',
  '&#xd800;',
  '&#x110000;',
  '&#13;',
  '&#xfffe;',
  '&#x10FFFF;',
  '&#00000000000000000000009;',
  '&#;',
]

/** A CBEFF file of random elements, spelled in any way that XML has for them. */
export function anyDocument(g: GeneratorValue): string {
  const one = (most: number) => g(fc.nat, most)
  const pick = <T>(values: readonly T[]): T => values[one(values.length - 1)]!
  const space = () => pick(SPACES)
  const between = () => space() + pick(COMMENTS)

  const spelled = (character: string): string => {
    const code = character.codePointAt(0)!
    const spellings = [`&#${code};`, `&#x${code.toString(16).padStart(one(5), '0')};`, character]
    if (character === '<') spellings.splice(2, 1, '&lt;', '<![CDATA[<]]>')
    if (character === '&') spellings.splice(2, 1, '&amp;', '<![CDATA[&]]>')
    if (character === '>') spellings.push('&gt;')
    return pick(spellings)
  }
  const text = () =>
    'x'.repeat(one(99) === 0 ? 300 : 0) +
    Array.from({ length: one(8) }, () => spelled(pick(CHARACTERS)) + pick(COMMENTS)).join('')
  const value = () => {
    const quote = pick(['"', "'"])
    const parts = Array.from({ length: one(4) }, () => spelled(pick(CHARACTERS)))
    return quote + parts.join('').replaceAll(quote, `&#${quote.charCodeAt(0)};`) + quote
  }
  const declaration = (prefix: string, name = CBEFF_NAMESPACE) =>
    ` ${space()}xmlns${prefix && `:${prefix}`}${space()}=${space()}"${name}"`

  const element = (name: string, depth: number, scope: readonly string[]): string => {
    const prefix = one(9) === 0 || scope.length === 0 ? pick(PREFIXES) : pick(scope)
    const isDeclared = scope.includes(prefix) && one(9) > 0
    const inner = isDeclared ? scope : [...scope, prefix]
    const tag = `${prefix && `${prefix}:`}${name}`
    const attributes = [
      isDeclared ? '' : declaration(prefix),
      name === 'entry' && one(5) > 0 ? ` key${space()}=${value()}` : '',
      one(30) === 0 ? declaration('unused', 'urn:x') : '',
    ]
    const open = `<${tag}${attributes.join('')}${space()}`
    const names = Object.hasOwn(CBEFF_CHILDREN, name) ? CBEFF_CHILDREN[name]! : []
    if (depth > 8 || one(9) === 0) return `${open}/>`
    if (names.length === 0) return `${open}>${text()}</${tag}${space()}>`
    const chosen = g(fc.subarray, [...names], { maxLength: Math.min(3, names.length) })
    const repeated = chosen.flatMap((child) => (CBEFF_REPEATED.includes(child) ? [child, child] : [child]))
    const children = repeated.map((child) => between() + element(child, depth + 1, inner))
    return `${open}>${children.join('')}${between()}</${tag}${space()}>`
  }
  return pick(DECLARATIONS) + between() + element('BIR', 1, []) + between()
}

/** The document with up to three changes, each of which takes some characters away or puts some in. */
export function changed(g: GeneratorValue, document: string): string {
  let text = document
  for (let changes = g(fc.nat, 3); changes > 0; changes--) {
    const at = g(fc.nat, text.length)
    const taken = g(fc.nat, 3)
    const inserted = g(fc.boolean) ? INSERTIONS[g(fc.nat, INSERTIONS.length - 1)]! : ''
    text = text.slice(0, at) + inserted + text.slice(at + taken)
  }
  return text
}
