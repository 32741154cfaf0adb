import { useStatus } from '../api/status.ts'

/** Stands in the copied code where the app's own address of the server belongs. */
const EXAMPLE_SERVER_URL = 'https://keys.example.com'

export interface ServerUrl {
  readonly url: string
  /** The server does not say where apps reach it: whoever copies the code has to fill that in. */
  readonly isExample: boolean
}

/** The address that belongs into an app's code. */
export function useServerUrl(): ServerUrl {
  const url = useStatus().data?.publicUrl
  return { url: url ?? EXAMPLE_SERVER_URL, isExample: url === undefined }
}
