/** A list as a file: all its pages, one after the other, as CSV that a spreadsheet opens. */

import type { PageOf } from './pages'

/** A cell of CSV. What a spreadsheet would take for a formula, or for a number of fewer digits, is text. */
function cell(value: unknown): string {
  const text = String(value ?? '')
  const formula = /^[=+@\t\r]|^-(?![\d.]+$)/.test(text)
  const digits = /^(0\d+|\d{12,})$/.test(text) // an account, not an amount
  const safe = formula ? `'${text}` : digits ? `\t${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function line(cells: unknown[]): string {
  return `${cells.map(cell).join(',')}\r\n`
}

/**
 * Reads a list to its end.
 *
 * @param goesOn is told after each page how many rows there are; false ends it, and there is no file.
 * @returns the file, null where it was ended.
 */
export async function wholeList<T>(
  page: (cursor: string | undefined) => Promise<PageOf<T>>,
  columns: readonly { title: string; of: (row: T) => unknown }[],
  goesOn: (rows: number) => boolean,
): Promise<Blob | null> {
  const parts = ['\ufeff', line(columns.map((each) => each.title))] // by its first mark a spreadsheet knows UTF-8
  let cursor: string | undefined
  let rows = 0
  do {
    const { items, next_cursor } = await page(cursor)
    parts.push(items.map((row) => line(columns.map((each) => each.of(row)))).join(''))
    rows += items.length
    if (!goesOn(rows)) return null
    cursor = next_cursor ?? undefined
  } while (cursor)
  return new Blob(parts, { type: 'text/csv' })
}

/** Hands a file to the browser. */
export function handOver(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
