const EMPTY_LINE = '\n\n'
const SIGNATURE_LINE_START = '— '

/**
 * A checkpoint's note (C2SP signed-note) with the log's own signature alone: the first line names both log and signer.
 * Two of these that exclude each other prove a fork, whatever witnesses say, and their cosignatures would take the room.
 */
export function bareNote(note: string): string {
  const end = note.lastIndexOf(EMPTY_LINE) + EMPTY_LINE.length
  const own = `${SIGNATURE_LINE_START}${originOf(note)} `
  const lines = note.slice(end).split('\n')
  return (
    note.slice(0, end) +
    lines
      .filter((line) => line.startsWith(own))
      .map((line) => `${line}\n`)
      .join('')
  )
}

/** First line of a checkpoint (C2SP tlog-checkpoint). */
export const originOf = (note: string): string => note.split('\n', 1)[0]!
