/** One thing measured. `--json FILE` writes each as one line. */
export interface Row {
  /** Unique within a run, from the general to the particular: `crypto x25519 seal 1 KiB one by one: hpke`. */
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the value is compared with, measured in the same run, in the same unit. */
  readonly reference: { readonly name: string; readonly value: number } | null
  /** How the two compare; for a row with a target, the number that the target is about. */
  readonly ratio: number | null
  /** Such as `<= 1.3`; null where nothing was promised. */
  readonly target: string | null
  readonly met: boolean | null
}

const SIGNIFICANT_DIGITS = 4
const RATIO_DIGITS = 2

/** A row that is only reported. @param reference - if given, `ratio` is value over reference. */
export function measuredRow(name: string, value: number, unit: string, reference?: Row['reference']): Row {
  const ratio = reference ? value / reference.value : null
  return { name, value, unit, reference: reference ?? null, ratio, target: null, met: null }
}

/** A row that must reach something. @param target - `at most` or `at least` how much `ratio` is. */
export function targetRow(
  row: Pick<Row, 'name' | 'value' | 'unit' | 'reference'>,
  ratio: number,
  target: { readonly atMost: number } | { readonly atLeast: number },
): Row {
  return 'atMost' in target
    ? { ...row, ratio, target: `<= ${target.atMost}`, met: ratio <= target.atMost }
    : { ...row, ratio, target: `>= ${target.atLeast}`, met: ratio >= target.atLeast }
}

/** A table for people: one line a row, columns aligned. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [
    ['', 'value', 'unit', 'ratio', 'to', 'target', ''],
    ...rows.map((row) => [
      row.name,
      String(Number(row.value.toPrecision(SIGNIFICANT_DIGITS))),
      row.unit,
      row.ratio === null ? '' : row.ratio.toFixed(RATIO_DIGITS),
      row.reference?.name ?? '',
      row.target ?? '',
      row.met === null ? '' : row.met ? 'met' : 'MISSED',
    ]),
  ]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const isNumber = (column: number) => column === 1 || column === 3
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
