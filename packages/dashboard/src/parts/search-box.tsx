import { TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { Icon } from './icon.tsx'

const TYPING_PAUSE_MS = 250

export interface Search {
  readonly text: string
  readonly setText: (text: string) => void
  /** What to look for: the text once the typing has paused, without spaces around it. */
  readonly settled: string
}

export function useSearch(): Search {
  const [text, setText] = useState('')
  const [settled] = useDebouncedValue(text.trim(), TYPING_PAUSE_MS)
  return { text, setText, settled }
}

interface SearchBoxProps {
  readonly search: Search
  /** For a screen reader. */
  readonly label: string
  readonly placeholder: string
}

export function SearchBox({ search, label, placeholder }: SearchBoxProps) {
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={placeholder}
      leftSection={<Icon name="search" />}
      value={search.text}
      onChange={(event) => search.setText(event.currentTarget.value)}
      spellCheck={false}
      autoComplete="off"
      maw={360}
      mb="md"
    />
  )
}
