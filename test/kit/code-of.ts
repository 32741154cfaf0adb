/** The code with which it is refused; `done` if it is not. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (error) => error.code ?? String(error),
  )
}
