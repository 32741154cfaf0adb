import { ScrollArea, Table } from '@mantine/core'
import { Time } from '../parts/time.tsx'
import { CHART_HEIGHT_PX } from './adoption-chart-height.ts'
import type { AdoptionSeries } from './adoption-series.ts'

interface AdoptionTableProps {
  readonly series: AdoptionSeries
  readonly label: string
}

/** The chart's numbers, newest first, for a screen reader and for whoever wants to know exactly. */
export function AdoptionTable({ series, label }: AdoptionTableProps) {
  const rows = series.rows.filter((row) => Object.keys(row.requests).length > 0).toReversed()
  return (
    <ScrollArea.Autosize
      mah={CHART_HEIGHT_PX}
      type="auto"
      viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': `${label}, table` }}
    >
      <Table aria-label={label} stickyHeader tabularNums>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">From</Table.Th>
            {series.bands.map((band) => (
              <Table.Th scope="col" key={band.name} ta="end">
                {band.label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.at}>
              <Table.Th scope="row" fw={400} className="kh-nowrap">
                <Time at={row.at} />
              </Table.Th>
              {series.bands.map((band) => (
                <Table.Td key={band.name} ta="end">
                  {(row.requests[band.name] ?? 0).toLocaleString()}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  )
}
