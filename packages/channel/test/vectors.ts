import { readFileSync } from 'node:fs'

const FOLDER = new URL('../../../vectors/ohttp/', import.meta.url)

/** A file of published vectors. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T
}

/** An HTTP message as text, with the line ends that it has on the wire. */
export function readMessage(name: string): string {
  return readFileSync(new URL(name, FOLDER), 'latin1').replaceAll(/\r?\n/g, '\r\n')
}
