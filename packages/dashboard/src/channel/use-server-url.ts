import { useStatus } from '../api/status.ts'

/** Stands in the code until the server has said its address. */
const NOT_YET = '…'

/** The address that belongs into an app's code. */
export function useServerUrl(): string {
  return useStatus().data?.publicUrl ?? NOT_YET
}

/** Whether the address means the server's own machine, so that no app elsewhere can use it. */
export function isLocalUrl(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.[\d.]+$/.test(hostname)
}
