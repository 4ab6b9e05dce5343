/** Business days are Beijing's, wherever the browser is. */

const BEIJING = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' })
const MOMENT = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  dateStyle: 'short',
  timeStyle: 'medium',
})

/** Today in Beijing, "2026-03-02". */
export function today(): string {
  return BEIJING.format(new Date())
}

/** A recorded time of the API in Beijing, to the second. */
export function moment(recorded: string): string {
  return MOMENT.format(new Date(recorded))
}

/** The last day of a month "2026-02", → "2026-02-28". */
export function monthEnd(month: string): string {
  const [year, number] = month.split('-').map(Number)
  return new Date(Date.UTC(year!, number!, 0)).toISOString().slice(0, 10)
}
