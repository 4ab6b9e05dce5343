/** The table for long lists, which draws the rows in sight alone; loaded by the screens that have one. */

import 'vxe-table/es/style.css'
import { VxeColumn } from 'vxe-table/es/column/index.js'
import enUS from 'vxe-table/es/locale/lang/en-US.js'
import zhCN from 'vxe-table/es/locale/lang/zh-CN.js'
import { VxeTable } from 'vxe-table/es/table/index.js'
import { VxeUI } from 'vxe-table/es/ui/index.js'
import { watch } from 'vue'
import { dark, language } from './preferences'

VxeUI.setI18n('zh-CN', zhCN)
VxeUI.setI18n('en-US', enUS)
watch(language, (chosen) => VxeUI.setLanguage(chosen === 'zh' ? 'zh-CN' : 'en-US'), {
  immediate: true,
})
watch(dark, (isDark) => VxeUI.setTheme(isDark ? 'dark' : 'light'), { immediate: true })

export { VxeColumn, VxeTable }
