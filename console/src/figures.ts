/** What runs, in figures: the lines of /metrics that a channel is told by. */

import { ROOT, Refused } from './api/client'

export interface Figure {
  labels: Record<string, string>
  value: number
}

/** The figures of one name: `name{label="a"} 3`. */
export function figuresOf(text: string, name: string): Figure[] {
  const found: Figure[] = []
  for (const line of text.split('\n')) {
    const [, labels = '', value] = new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`).exec(line) ?? []
    if (value === undefined) continue
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!])
    found.push({ labels: Object.fromEntries(pairs), value: Number(value) })
  }
  return found
}

/** The figures as text. They are for operators, auditors and administrators. */
export async function readFigures(): Promise<string> {
  const answer = await fetch(`${ROOT}metrics`, { credentials: 'same-origin' }).catch(() => null)
  if (answer === null) throw new Refused('unreachable', {}, 0)
  if (!answer.ok) throw new Refused(answer.status === 403 ? 'forbidden' : 'unavailable', {}, answer.status)
  return answer.text()
}
