/**
 * Money as the API says it: text in yuan with two decimals outside, whole fen as bigint inside.
 * No amount is ever a number: 16 digits before the point do not fit one.
 */

const YUAN = /^(-?)(\d{1,16})\.(\d{2})$/
const ENTERED = /^(\d{1,16})(?:\.(\d{1,2}))?$/

/** Whole fen of an amount of the API, e.g. "1234.56" → 123456n. Throws on anything else. */
export function fenOf(yuan: string): bigint {
  const found = YUAN.exec(yuan)
  if (found === null) throw new RangeError(`not an amount in yuan: ${yuan}`)
  const [, sign, whole, part] = found
  const fen = BigInt(whole + part!)
  return sign === '-' ? -fen : fen
}

/** The API's text of whole fen: 123456n → "1234.56". */
export function yuanOf(fen: bigint): string {
  const digits = (fen < 0n ? -fen : fen).toString().padStart(3, '0')
  return `${fen < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** The API's text of what somebody typed ("1,234.5" → "1234.50"), null where it is no amount. */
export function enteredYuan(text: string): string | null {
  const found = ENTERED.exec(text.replace(/[,，\s]/g, ''))
  if (found === null) return null
  const whole = found[1]!.replace(/^0+(?=\d)/, '')
  return `${whole}.${(found[2] ?? '').padEnd(2, '0')}`
}

/** The same of an amount by which something changes, which may be less than nothing. */
export function enteredChange(text: string): string | null {
  const found = /^\s*([-−]?)(.*)$/s.exec(text)!
  const amount = enteredYuan(found[2]!)
  return amount === null || found[1] === '' ? amount : `-${amount}`
}

/** With separators of thousands: "1234567.80" → "1,234,567.80". */
export function grouped(yuan: string): string {
  const [whole = '', part = ''] = yuan.split('.')
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${part}`
}

/** Sum of amounts of the API. */
export function total(amounts: Iterable<string>): string {
  let fen = 0n
  for (const amount of amounts) fen += fenOf(amount)
  return yuanOf(fen)
}

/** Hundredths of a percent of part in whole, 0 where there is no whole: for rates and bars alone. */
export function basisPoints(part: string, whole: string): number {
  const of = fenOf(whole)
  return of === 0n ? 0 : Number((fenOf(part) * 10_000n) / of)
}

/** "12.34%" of basis points. */
export function percent(points: number): string {
  return `${(points / 100).toFixed(2)}%`
}

const DIGITS = '零壹贰叁肆伍陆柒捌玖'
const PLACES = ['', '拾', '佰', '仟']
const GROUPS = ['', '万', '亿', '万亿']

/** Four digits in words; "" of 0. */
function groupInWords(group: string): string {
  let words = ''
  let gap = false
  ;[...group].forEach((digit, index) => {
    if (digit === '0') {
      gap = words !== ''
      return
    }
    if (gap) words += '零'
    gap = false
    words += DIGITS[Number(digit)]! + PLACES[group.length - 1 - index]!
  })
  return words
}

/**
 * The amount in words 大写, as 支付结算办法 附一 wants it on a voucher:
 * "1680.32" → 壹仟陆佰捌拾元叁角贰分, "107000.53" → 壹拾万柒仟元零伍角叁分.
 */
export function inWords(yuan: string): string {
  const fen = fenOf(yuan)
  const digits = (fen < 0n ? -fen : fen).toString().padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/^0+/, '')
  const jiao = Number(digits.at(-2))
  const cent = Number(digits.at(-1))
  let words = ''
  const padded = whole.padStart(Math.ceil(whole.length / 4) * 4, '0')
  for (let at = 0; at < padded.length; at += 4) {
    const group = padded.slice(at, at + 4)
    const said = groupInWords(group)
    if (said === '') continue
    const leads = words !== '' && (group.startsWith('0') || padded.slice(at - 4, at) === '0000')
    words += (leads ? '零' : '') + said + GROUPS[padded.length / 4 - 1 - at / 4]!
  }
  const sign = fen < 0n ? '负' : ''
  if (words !== '') words += '元'
  if (jiao === 0 && cent === 0) return `${sign}${words || '零元'}整`
  if (words !== '' && jiao === 0) words += '零'
  if (jiao !== 0) words += DIGITS[jiao]! + '角'
  words += cent === 0 ? '整' : DIGITS[cent]! + '分'
  return sign + words
}
