/** Files that somebody uploads: sent as they are, and what is wrong with them, line by line. */

import type { Refused } from './api/client'

export const FILES = '.csv,.xlsx,.ndjson,.txt'
const SPREADSHEET = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
const MEDIA: Record<string, string> = { xlsx: SPREADSHEET, ndjson: 'application/x-ndjson' }

export interface LineError {
  line: number
  column: string
  code: string
  detail: string
}

/** What a request needs to send a file's own bytes. */
export function asFile(file: File) {
  const media = MEDIA[file.name.split('.').at(-1)!.toLowerCase()] ?? 'text/csv'
  // openapi-fetch types a body of bytes as text
  return { body: file as unknown as string, bodySerializer: () => file, headers: { 'Content-Type': media } }
}

/** The errors of a file that was refused, the first thousand, and how many there are. */
export function errorsOf(refused: Refused): { errors: LineError[]; count: number } {
  const told = refused.problem as { errors?: LineError[]; error_count?: number }
  const errors = told.errors ?? []
  return { errors, count: told.error_count ?? errors.length }
}
