/** Short notices that something was done. */

import 'element-plus/es/components/message/style/css'
import { ElMessage } from 'element-plus'

export function tell(text: string): void {
  ElMessage.success({ message: text, grouping: true })
}
