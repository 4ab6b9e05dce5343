/** Short notices that something was done, or waits for others. */

import 'element-plus/es/components/message/style/css'
import { ElMessage } from 'element-plus'
import { awaitedBy } from './acts/act'
import { i18n, nameOf } from './words'

export function tell(text: string): void {
  ElMessage.success({ message: text, grouping: true })
}

/** Says what came of an act: done, or submitted to whom. */
export function tellAnswer(answer: unknown): void {
  const roles = awaitedBy(answer).map((role) => nameOf('roles', role)).join('、')
  tell(roles ? i18n.global.t('common.submitted', { roles }) : i18n.global.t('common.done'))
}
