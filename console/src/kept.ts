/**
 * What somebody has typed and not sent: kept in this tab until it is sent, so that a reload loses
 * nothing. It is gone with the tab, and with the session. No secret is ever kept here.
 */

import { watch } from 'vue'

const PREFIX = 'guoku.unsent.'

/** Goes on with what was typed under `name`, and keeps what is typed from now on. */
export function useKept<T extends object>(name: string, typed: T, isWorthIt: () => boolean): { forget: () => void } {
  const key = PREFIX + name
  try {
    Object.assign(typed, JSON.parse(sessionStorage.getItem(key) ?? '{}'))
  } catch {
    sessionStorage.removeItem(key)
  }
  watch(typed, () => (isWorthIt() ? sessionStorage.setItem(key, JSON.stringify(typed)) : sessionStorage.removeItem(key)), { flush: 'sync' })
  return { forget: () => sessionStorage.removeItem(key) }
}

/** Whoever comes next at this browser sees nothing of it. */
export function forgetAllKept(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key)
}
