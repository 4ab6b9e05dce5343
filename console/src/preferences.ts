/** How the page looks to its reader. It is the only thing kept in the browser, and no secret. */

import { ref, watch } from 'vue'

export type Theme = 'auto' | 'light' | 'dark'
export type Language = 'zh' | 'en'

const THEME = 'guoku.theme'
const LANGUAGE = 'guoku.language'
const darkness = window.matchMedia('(prefers-color-scheme: dark)')

export const theme = ref<Theme>((localStorage.getItem(THEME) as Theme | null) ?? 'auto')
export const language = ref<Language>((localStorage.getItem(LANGUAGE) as Language | null) ?? 'zh')
export const dark = ref(false)

function show(): void {
  dark.value = theme.value === 'dark' || (theme.value === 'auto' && darkness.matches)
  document.documentElement.classList.toggle('dark', dark.value)
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
}

darkness.addEventListener('change', show)
watch([theme, language], () => {
  localStorage.setItem(THEME, theme.value)
  localStorage.setItem(LANGUAGE, language.value)
  show()
})
show()
