import { useState } from 'react'

export interface Chosen<T> {
  /** Stays while its dialog fades out. */
  readonly row: T | undefined
  readonly opened: boolean
  readonly choose: (row: T) => void
  readonly close: () => void
}

/** Which row a dialog is about. */
export function useChosen<T>(): Chosen<T> {
  const [row, setRow] = useState<T>()
  const [opened, setOpened] = useState(false)
  return {
    row,
    opened,
    choose: (next) => {
      setRow(next)
      setOpened(true)
    },
    close: () => setOpened(false),
  }
}
