import { styleText } from 'node:util'

/**
 * The text of a tour: chapters, claims that hold or not, and what the app and the eavesdropper saw side by
 * side.
 */
export interface Tour {
  chapter(title: string): void
  /** A line of explanation. */
  say(text: string): void
  /** A claim with its figure; a false one makes the tour fail, and the tour goes on. */
  claim(holds: boolean, text: string): void
  sideBySide(left: Column, right: Column): void
  readonly failed: number
  readonly held: number
}

export interface Column {
  readonly title: string
  readonly lines: readonly string[]
}

const COLUMN_WIDTH = 50
const INDENT = '  '

export function createTour(write: (line: string) => void): Tour {
  let failed = 0
  let held = 0
  const cell = (text: string) => {
    const shown = [...text.replaceAll(/\s+/g, ' ')]
    const cut = shown.length > COLUMN_WIDTH ? `${shown.slice(0, COLUMN_WIDTH - 1).join('')}…` : shown.join('')
    return cut.padEnd(COLUMN_WIDTH)
  }
  return {
    chapter: (title) => write(`\n${styleText('bold', title)}`),
    say: (text) => write(INDENT + text),
    claim(holds, text) {
      if (holds) held += 1
      else failed += 1
      write(`${INDENT}${holds ? styleText('green', '✓') : styleText('red', '✗ NOT TRUE:')} ${text}`)
    },
    sideBySide(left, right) {
      write('')
      write(
        `${INDENT}${styleText('underline', cell(left.title))}   ${styleText('underline', cell(right.title))}`,
      )
      const rows = Math.max(left.lines.length, right.lines.length)
      for (let row = 0; row < rows; row += 1) {
        const seen = cell(right.lines[row] ?? '')
        write(`${INDENT}${cell(left.lines[row] ?? '')}   ${styleText('yellow', seen)}`)
      }
      write('')
    },
    get failed() {
      return failed
    },
    get held() {
      return held
    },
  }
}
