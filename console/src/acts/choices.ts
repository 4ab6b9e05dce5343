/** Codes of the technical standard that a form offers, by the names that the standard gives them. */

export interface Choice {
  value: string
  said: string
}

function coded(names: Record<string, string>): Choice[] {
  return Object.entries(names).map(([value, name]) => ({ value, said: `${value} ${name}` }))
}

export const AGENCY_TYPES = coded({ 1: '行政', 2: '参公', 3: '公益一类', 4: '公益二类', 5: '企业' })
export const ACCOUNT_TYPES = coded({
  11: '国库单一账户', 12: '财政零余额', 21: '单位零余额', 31: '财政专户', 41: '单位实有资金',
})
export const RECEIVER_KINDS = coded({ 1: '单位', 2: '企业', 3: '个人' })
export const PROJECT_CATEGORIES = coded({ 1: '人员类', 21: '公用经费', 22: '其他运转类', 3: '特定目标类' })
export const TIERS = coded({ 2: '省', 3: '市', 4: '县', 5: '乡' })

/** What the standard calls a code, beside the code; the code alone where it is not known. */
export function coding(choices: Choice[], code: string): string {
  return choices.find((each) => each.value === code)?.said ?? code
}
