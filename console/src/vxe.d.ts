/** What the console uses of vxe-table, whose own types want a package of widgets that it does not use. */

declare module 'vxe-table/es/table/index.js' {
  import type { DefineComponent } from 'vue'
  export const VxeTable: DefineComponent<Record<string, unknown>>
}
declare module 'vxe-table/es/column/index.js' {
  import type { DefineSetupFnComponent, SlotsType } from 'vue'
  // a row is what the table was given: its screen knows
  type Row = { row: any; rowIndex: number } // eslint-disable-line
  export const VxeColumn: DefineSetupFnComponent<Record<string, any>, {}, SlotsType<{ default: Row; footer: Row }>>
}
declare module 'vxe-table/es/ui/index.js' {
  export const VxeUI: {
    setI18n: (language: string, words: object) => void
    setLanguage: (language: string) => void
    setTheme: (theme: 'light' | 'dark') => void
  }
}
