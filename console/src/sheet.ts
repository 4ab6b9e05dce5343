/** A sheet of cells that are typed into, pasted into from a spreadsheet, and walked by the arrows. */

export const CELLS = [
  'bgt_pman_id', 'pro_code', 'exp_func_code', 'gov_bgt_eco_code', 'dep_bgt_eco_code', 'fund_type_code', 'amt',
] as const
export type CellName = (typeof CELLS)[number]
export type SheetRow = Record<CellName, string> & { key: number }

let last = 0

export function emptyRow(): SheetRow {
  const cells = Object.fromEntries(CELLS.map((name) => [name, ''])) as Record<CellName, string>
  return { ...cells, key: ++last }
}

/** Rows that were kept have keys of their own again. */
export function withKeys(rows: SheetRow[]): SheetRow[] {
  return rows.map((row) => ({ ...row, key: ++last }))
}

export function isEmpty(row: SheetRow): boolean {
  return CELLS.every((name) => row[name].trim() === '')
}

/** Lays a block of a spreadsheet over the rows from a cell on; rows that it needs are added. */
export function paste(rows: SheetRow[], at: number, cell: CellName, text: string): void {
  const first = CELLS.indexOf(cell)
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
  lines.forEach((line, below) => {
    while (rows.length <= at + below) rows.push(emptyRow())
    line.split('\t').forEach((value, right) => {
      const name = CELLS[first + right]
      if (name !== undefined) rows[at + below]![name] = value.trim()
    })
  })
}

/** The cell that a key leads to from a cell, null where it stays within it. */
export function neighbour(key: string, at: number, cell: CellName): [number, CellName] | null {
  if (key === 'Enter' || key === 'ArrowDown') return [at + 1, cell]
  if (key === 'ArrowUp') return at > 0 ? [at - 1, cell] : null
  return null
}
