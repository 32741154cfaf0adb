import type { Context } from '../context.ts'

/** A long piece of work, shown on stderr. */
export interface Progress {
  /** @param total - undefined while it is not known. */
  update(done: number, total?: number): void
  finish(): void
}

const BAR_CELLS = 30
/** A terminal is redrawn at most this often. */
const REDRAW_INTERVAL_MS = 80
/** Without a terminal one plain line is written for each tenth. */
const PLAIN_LINES = 10

/** A bar on a terminal, plain lines elsewhere, nothing with `--json`. */
export function createProgress(context: Context, label: string, json: boolean): Progress {
  if (json) return { update() {}, finish() {} }
  return context.stderr.isTTY === true ? terminalProgress(context, label) : plainProgress(context, label)
}

function terminalProgress(context: Context, label: string): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY
  let last = ''
  const draw = (done: number, total: number | undefined): void => {
    last = total === undefined ? `${label}: ${done}` : `${label} ${bar(done, total)} ${done}/${total}`
    context.stderr.write(`\r${last}\u001b[K`)
  }
  return {
    update(done, total) {
      const now = context.now()
      if (now - drawnAt < REDRAW_INTERVAL_MS && done !== total) return
      drawnAt = now
      draw(done, total)
    },
    finish() {
      if (last !== '') context.stderr.write('\n')
    },
  }
}

function plainProgress(context: Context, label: string): Progress {
  let written = -1
  return {
    update(done, total) {
      if (total === undefined || total === 0) return
      const tenth = Math.floor((done * PLAIN_LINES) / total)
      if (tenth === written) return
      written = tenth
      context.stderr.write(`${label}: ${done} of ${total}\n`)
    },
    finish() {},
  }
}

function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.round(share * BAR_CELLS)
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`
}
