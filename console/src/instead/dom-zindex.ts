/**
 * In the place of the package dom-zindex, which vxe-table counts layers with: that one writes a
 * `<style>` into the page, and the console's policy allows none.
 */

const FIRST = 1000

function counter() {
  let current = FIRST
  return {
    get: () => current,
    set: (value: number) => (current = Number(value) || current),
    next: () => ++current,
  }
}

const main = counter()
const sub = counter()

export const getMax = (): number => main.get()
export const [setCurrent, getCurrent, getNext] = [main.set, main.get, main.next]
export const [setSubCurrent, getSubCurrent, getSubNext] = [sub.set, sub.get, sub.next]

export default { getMax, setCurrent, getCurrent, getNext, setSubCurrent, getSubCurrent, getSubNext }
