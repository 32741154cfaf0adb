import { styleText } from 'node:util'
import type { Context, Terminal } from '../context.ts'

/** A column of a table: its heading and how a row fills it. */
export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string | number | null | undefined
  readonly align?: 'left' | 'right'
}

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

/** Where a command's results go: stdout for results, stderr for everything else. */
export interface Output {
  readonly json: boolean
  /** The one result of a command: as a JSON document with `--json`, otherwise as text. */
  result(value: unknown, text: () => string): void
  /** One of many results: a line of JSON with `--json`, otherwise text. */
  line(value: unknown, text: () => string): void
  /** A remark for a person, on stderr; not with `--json`. */
  note(text: string): void
  style(style: Style, text: string): string
  /** The same for a value of {@link fields}, which writes out the control characters of every other text. */
  styledField(style: Style, text: string): StyledField
}

/** A text of ours with its colour. */
export interface StyledField {
  readonly styled: string
}

const COLUMN_GAP = '  '
const EMPTY_CELL = '-'

export function createOutput(context: Context, json: boolean): Output {
  return {
    json,
    result(value, text) {
      const written = json ? JSON.stringify(value, undefined, 2) : text()
      context.stdout.write(`${written.trimEnd()}\n`)
    },
    line(value, text) {
      context.stdout.write(`${json ? JSON.stringify(value) : text()}\n`)
    },
    note(text) {
      if (!json) context.stderr.write(`${text}\n`)
    },
    style: (style, text) => (json ? text : paint(context, context.stdout, style, text)),
    styledField: (style, text) => ({ styled: json ? text : paint(context, context.stdout, style, text) }),
  }
}

/** Colour only on a terminal, and never against NO_COLOR (no-color.org). */
export function paint(context: Context, stream: Terminal<unknown>, style: Style, text: string): string {
  const wanted = stream.isTTY === true && !context.env.NO_COLOR && context.env.TERM !== 'dumb'
  return wanted ? styleText(style, text, { validateStream: false }) : text
}

/** Rows under headings, columns padded to their widest cell. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], empty: string): string {
  if (rows.length === 0) return empty
  const lines = [
    columns.map((column) => column.heading),
    ...rows.map((row) => columns.map((column) => cellText(column.cell(row)))),
  ]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, index) =>
          columns[index]!.align === 'right' ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
        )
        .join(COLUMN_GAP)
        .trimEnd(),
    )
    .join('\n')
}

/** Name and value pairs, one a line, values in one column. Pairs without a value are left out. */
export function fields(
  pairs: ReadonlyArray<readonly [string, string | number | StyledField | null | undefined]>,
): string {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== '')
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}${COLUMN_GAP}${cellText(value)}`).join('\n')
}

function cellText(value: string | number | StyledField | null | undefined): string {
  if (typeof value === 'object' && value !== null) return value.styled
  if (value === undefined || value === null || value === '') return EMPTY_CELL
  return printable(String(value))
}

/**
 * Text from elsewhere made safe for a terminal: control characters (also the C1 range and the ones that turn
 * the writing direction) show as escapes, so that a name cannot move the cursor or hide what follows.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}
