/** Languages of the console, and names of what the API calls by code. */

import { createI18n } from 'vue-i18n'
import { watch } from 'vue'
import type { Refused } from '../api/client'
import { grouped } from '../money'
import { language } from '../preferences'
import { en } from './en'
import { problemsZh } from './problems.zh'
import { zh } from './zh'

interface Said {
  named: (name: string) => unknown
}

/**
 * Words as functions of what they are told, so that the library's own compiler of messages, which
 * knows much more than names in braces, is not part of what an office loads.
 */
function spoken<T>(words: T): T {
  if (typeof words === 'string')
    return (({ named }: Said) => words.replace(/\{(\w+)\}/g, (_, name: string) => String(named(name) ?? ''))) as T
  if (typeof words !== 'object' || words === null || Array.isArray(words)) return words
  const entries = Object.entries(words).map(([name, each]) => [name, spoken(each as unknown)])
  return Object.fromEntries(entries) as T
}

export const i18n = createI18n({
  legacy: false,
  locale: language.value,
  fallbackLocale: 'zh',
  messages: { zh: spoken(zh), en: spoken(en) },
})
watch(language, (chosen) => (i18n.global.locale.value = chosen))

const words = { zh, en }
type Group =
  | 'status' | 'held' | 'roles' | 'kinds' | 'steps' | 'book' | 'blockers' | 'proofs' | 'sums' | 'fields'
  | 'reports' | 'runWaits' | 'differences' | 'scopes'

/** The name of what the API calls `code`, in the reader's language; the code where there is none. */
export function nameOf(group: Group, code: string): string {
  return (words[language.value][group] as Record<string, string>)[code] ?? code
}

/** What the page itself refuses: the API says the rest in English by itself. */
const problemsEn: Record<string, string> = {
  unreachable:
    'The server cannot be reached. Whether it has taken this in is not known: repeat it under the same number, it is never done twice.',
  agent_unreachable: 'No signing agent answers at this machine: run guoku sign-agent, with --origin for this page.',
  agent_refused: 'The signing agent has not signed; it says why below.',
  key_unreadable: 'The file holds no SM2 key that can be used: PEM, PKCS#8 or SEC 1, not enciphered.',
}

/** What was refused and why, in the reader's words; the API's own beside its figures. */
export function explained(refused: Refused): string {
  const { problem, code } = refused
  const said =
    language.value === 'zh'
      ? (problemsZh[code] ?? problem.title ?? code)
      : (problemsEn[code] ?? problem.title ?? code)
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
