/** Languages of the console, and names of what the API calls by code. */

import { createI18n } from 'vue-i18n'
import { watch } from 'vue'
import type { Refused } from '../api/client'
import { grouped } from '../money'
import { language } from '../preferences'
import { en } from './en'
import { problemsZh } from './problems.zh'
import { zh } from './zh'

export const i18n = createI18n({
  legacy: false,
  locale: language.value,
  fallbackLocale: 'zh',
  messages: { zh, en },
})
watch(language, (chosen) => (i18n.global.locale.value = chosen))

const words = { zh, en }
type Group =
  | 'status' | 'held' | 'roles' | 'kinds' | 'steps' | 'book' | 'blockers' | 'proofs' | 'sums' | 'fields'

/** The name of what the API calls `code`, in the reader's language; the code where there is none. */
export function nameOf(group: Group, code: string): string {
  return (words[language.value][group] as Record<string, string>)[code] ?? code
}

/** What was refused and why, in the reader's words; the API's own beside its figures. */
export function explained(refused: Refused): string {
  const { problem, code } = refused
  const said =
    language.value === 'zh'
      ? (problemsZh[code] ?? problem.title ?? code)
      : code === 'unreachable'
        ? 'The server cannot be reached. Whether it has taken this in is not known: repeat it under the same number, it is never done twice.'
        : (problem.title ?? code)
  const parts = [said]
  if (problem.available_amt !== undefined && problem.requested_amt !== undefined) {
    const figures = {
      available: grouped(problem.available_amt),
      requested: grouped(problem.requested_amt),
    }
    parts.push(i18n.global.t('common.available', figures))
  }
  return parts.join(language.value === 'zh' ? '' : ' ')
}

/** The field that a problem points at: "/details/2/pay_amt" → "pay_amt"; "" where it names none. */
export function fieldOf(refused: Refused): string {
  return refused.problem.pointer?.split('/').findLast((part) => /^[a-z]/.test(part)) ?? ''
}
