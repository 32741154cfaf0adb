import { readFileSync } from 'node:fs'

/** Clock ticks a second in /proc; fixed by Linux for user space. */
const TICKS_PER_SECOND = 100
const MICROSECONDS_PER_SECOND = 1_000_000
const BYTES_PER_KIB = 1_024
const BYTES_PER_MIB = 1_048_576
/** Fields of /proc/PID/stat after the command's name, counted from 0: user and system time (proc(5)). */
const USER_TIME_FIELD = 11
const SYSTEM_TIME_FIELD = 12

/** Processor time that a process has used, user and system, in microseconds. Linux only. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[USER_TIME_FIELD]) + Number(fields[SYSTEM_TIME_FIELD])
  return (ticks * MICROSECONDS_PER_SECOND) / TICKS_PER_SECOND
}

/** Resident memory in MiB: now, and at its highest. Linux only. */
export function memoryMebibytes(pid: number): { readonly resident: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const read = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? '0'
    return (Number(kib) * BYTES_PER_KIB) / BYTES_PER_MIB
  }
  return { resident: read('VmRSS'), peak: read('VmHWM') }
}
