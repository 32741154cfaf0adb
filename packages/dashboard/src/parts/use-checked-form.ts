import { type FormEvent, type RefObject, useRef, useState } from 'react'

type Errors<Draft> = Partial<Record<keyof Draft, string>>

interface CheckedForm<Draft> {
  readonly draft: Draft
  readonly errors: Errors<Draft>
  change(part: Partial<Draft>): void
  /** What a field that holds text needs of the draft. */
  field(name: keyof Draft & string): {
    readonly name: string
    readonly value: string
    readonly error: string | undefined
    onChange(event: { currentTarget: { value: string } }): void
  }
  /** Of the `form` element. */
  readonly form: {
    readonly ref: RefObject<HTMLFormElement | null>
    readonly noValidate: true
    onSubmit(event: FormEvent): void
  }
}

/**
 * A form that is sent once its draft is whole: else it says what is missing, and the first field that it is
 * missing in has the focus.
 *
 * @param check - what is missing or wrong, in the order of the fields.
 */
export function useCheckedForm<Draft extends object>(
  empty: Draft,
  check: (draft: Draft) => Errors<Draft>,
  send: (draft: Draft) => void,
): CheckedForm<Draft> {
  const [draft, setDraft] = useState(empty)
  const [errors, setErrors] = useState<Errors<Draft>>({})
  const ref = useRef<HTMLFormElement>(null)
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part })
  return {
    ...{ draft, errors, change },
    field: (name) => ({
      name,
      value: String(draft[name]),
      error: errors[name],
      onChange: (event) => change({ [name]: event.currentTarget.value } as unknown as Partial<Draft>),
    }),
    form: {
      ...{ ref, noValidate: true },
      onSubmit(event) {
        event.preventDefault()
        const found = check(draft)
        setErrors(found)
        const first = Object.keys(found).at(0)
        if (first === undefined) send(draft)
        else ref.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus()
      },
    },
  }
}
