/** What to call a device that its owner gave no name. */
export function defaultDeviceName(): string {
  const agent = globalThis.navigator?.userAgent ?? ''
  const known = [/Edg\//, /Firefox\//, /Chrome\//, /Safari\//, /Node\.js/]
  const names = ['Edge', 'Firefox', 'Chrome', 'Safari', 'Node.js']
  const at = known.findIndex((pattern) => pattern.test(agent))
  return names[at] ?? 'Device'
}
