/** The table for long lists, which draws the rows in sight alone; loaded by the screens that have one. */

import 'vxe-table/es/style.css'
import { VxeColumn } from 'vxe-table/es/column/index.js'
import { VxeTable } from 'vxe-table/es/table/index.js'
import { VxeUI } from 'vxe-table/es/ui/index.js'
import { watch } from 'vue'
import { dark, language } from './preferences'

// what a table says by itself; the rest of its languages is of parts that are not used
VxeUI.setI18n('zh-CN', { vxe: { loading: { text: '正在读取…' }, table: { emptyText: '没有数据' } } })
VxeUI.setI18n('en-US', { vxe: { loading: { text: 'Reading…' }, table: { emptyText: 'There is nothing here.' } } })
watch(language, (chosen) => VxeUI.setLanguage(chosen === 'zh' ? 'zh-CN' : 'en-US'), {
  immediate: true,
})
watch(dark, (isDark) => VxeUI.setTheme(isDark ? 'dark' : 'light'), { immediate: true })

export { VxeColumn, VxeTable }
