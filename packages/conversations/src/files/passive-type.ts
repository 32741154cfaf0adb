/** What a file is taken for that is none of the {@link PASSIVE_TYPES}. */
export const OPAQUE_TYPE = 'application/octet-stream'

/** Types that a browser shows or plays, and in which no script runs. */
const PASSIVE_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  ...['png', 'jpeg', 'gif', 'webp', 'avif', 'bmp', 'heic', 'heif'].map((name) => `image/${name}`),
  ...['mpeg', 'mp4', 'ogg', 'opus', 'webm', 'wav', 'aac', 'flac'].map((name) => `audio/${name}`),
  ...['mp4', 'ogg', 'webm', 'quicktime'].map((name) => `video/${name}`),
])

/**
 * The type for a Blob. It is the sender's word: an address made of a Blob (`URL.createObjectURL`) belongs to
 * the app's own origin, so a file that says it is HTML, SVG or XML would run with all that the app may do,
 * keys included. So only types on a short list of passive ones are taken, and everything else, PDF too, is
 * {@link OPAQUE_TYPE}: a file to save.
 *
 * @param type - media type, without parameters.
 */
export function passiveType(type: string): string {
  const name = type.toLowerCase()
  return PASSIVE_TYPES.has(name) ? name : OPAQUE_TYPE
}
