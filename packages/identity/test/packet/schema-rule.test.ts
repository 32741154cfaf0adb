import { describe, expect, test } from 'vitest'
import { findBreach, parseSchemaRule } from '../../src/packet/schema-rule.ts'

const DEFINITIONS = {
  code: { type: 'string', enum: ['A', 'B'] },
  loop: { $ref: '#/definitions/loop' },
}
const breach = (json: unknown, value: unknown) =>
  findBreach(parseSchemaRule(json, DEFINITIONS, 'x'), value, 'x')

describe('a value that follows its schema', () => {
  test.each([
    [{ type: 'string' }, 'a'],
    [{ type: 'string', minLength: 1, maxLength: 2 }, 'ab'],
    [{ type: 'integer', minimum: 1, maximum: 3 }, 3],
    [{ type: 'number' }, 0.1],
    [{ type: 'boolean' }, false],
    [{ $ref: '#/definitions/code' }, 'B'],
    [{ $ref: '#/definitions/simpleType' }, [{ language: 'eng', value: 'a' }]],
    [{ $ref: '#/definitions/biometricsType' }, { format: 'cbeff', version: 1, value: 'file' }],
    [{ type: 'array', items: { type: 'string' }, minItems: 1 }, ['a']],
    [
      { type: 'object', properties: { a: { type: 'string' } } },
      { a: 'b', c: 4 },
    ],
    [{ fieldCategory: 'pvt', validators: [{ type: 'regex', validator: '^(a+)+$' }] }, { any: 'thing' }],
  ])('%j: %j', (json, value) => {
    expect(breach(json, value)).toBeUndefined()
  })
})

describe('one that does not is named by its path, and by no value', () => {
  test.each([
    [{ type: 'string' }, 4, 'x'],
    [{ type: 'string', minLength: 1, maxLength: 2 }, 'abc', 'x'],
    [{ type: 'string', minLength: 1 }, '', 'x'],
    [{ type: 'integer' }, 0.5, 'x'],
    [{ type: 'number', minimum: 1 }, 0, 'x'],
    [{ type: 'object' }, ['a'], 'x'],
    [{ type: 'object' }, null, 'x'],
    [{ $ref: '#/definitions/code' }, 'C', 'x'],
    [{ $ref: '#/definitions/simpleType' }, 'Mary', 'x'],
    [
      { $ref: '#/definitions/simpleType' },
      [{ language: 'eng', value: 'a' }, { language: 'fra' }],
      'x[1].value',
    ],
    [{ $ref: '#/definitions/simpleType' }, [{ language: 'eng', value: 7 }], 'x[0].value'],
    [{ type: 'array', maxItems: 1 }, ['Mary', 'Jane'], 'x'],
    [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }, {}, 'x.a'],
    [{ type: 'object', properties: {}, additionalProperties: false }, { Mary: 1 }, 'x'],
    [{ type: 'object', properties: { a: { type: 'string' } } }, { a: null }, 'x.a'],
  ])('%j: %j is wrong at %s', (json, value, path) => {
    expect(breach(json, value)).toBe(path)
  })
})

test.each([
  [{ oneOf: [] }, 'x.oneOf'],
  [{ type: 'object', properties: { a: { not: {} } } }, 'x.properties.a.not'],
  [{ type: 'text' }, 'x.type'],
  [{ $ref: '#/definitions/none' }, 'x.$ref'],
  [{ $ref: 'http://example.org/schema' }, 'x.$ref'],
  [{ $ref: '#/definitions/loop' }, 'x: too deep'],
  [{ type: 'array', items: 'string' }, 'x.items'],
  ['string', 'x'],
])('the schema %j is refused with its path', (json, path) => {
  expect(() => parseSchemaRule(json, DEFINITIONS, 'x')).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining(path) }),
  )
})
