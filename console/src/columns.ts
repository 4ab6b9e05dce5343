/** What a table shows: its columns, and how each of their cells is said. */

import type { RouteLocationRaw } from 'vue-router'

export interface Column<Row> {
  /** The field of the row; its heading is the word `fields.<name>` unless `title` names another. */
  name: string
  title?: string
  as?: 'text' | 'code' | 'amount' | 'status'
  /** Where the cell leads: to the object that it names, or the entries under its figure. */
  to?: (row: Row) => RouteLocationRaw | null
  /** What is said in the place of the field's own text. */
  said?: (row: Row) => string
}

/** The text of a field, "" where the row has none. */
export function textOf(row: object, name: string): string {
  const value = (row as Record<string, unknown>)[name]
  if (Array.isArray(value)) return value.join('、')
  return value === null || value === undefined ? '' : String(value)
}
