const SMALLEST_SHOWN = 0.001

/** A share from 0 to 1 in percent. What is little but not nothing never reads as nothing. */
export function formatShare(share: number): string {
  if (share > 0 && share < SMALLEST_SHOWN) return '< 0.1 %'
  if (share < 1 && share > 1 - SMALLEST_SHOWN) return '> 99.9 %'
  const percent = share * 100
  return `${Number.isInteger(percent) ? percent : percent.toFixed(1)} %`
}
