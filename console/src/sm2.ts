/**
 * SM2 with a key that its owner keeps: read of a file into this page's memory, never sent, never
 * stored, gone with the page. GB/T 32918.2; the files are those of OpenSSL, PKCS#8 or SEC 1 in PEM.
 */

import { sm2, sm3 } from 'sm-crypto-v2'
import type { ToSign } from './signer'

const CURVE = '2a811ccf5501822d' // 1.2.156.10197.1.301, sm2p256v1
const SCALAR_BYTES = 32
const HEADING = 'guoku/manifest/2'

export class OwnKey {
  readonly #secret: string
  /** 128 hex digits, x‖y. */
  readonly publicKey: string

  constructor(secret: string) {
    this.#secret = secret
    this.publicKey = sm2.getPublicKeyFromPrivateKey(secret).slice(2)
  }

  /** Base64 of DER (r, s) over e of the bytes; refused where the server says another e, or a manifest is not over its vouchers. */
  sign({ content, digest, under }: ToSign): string {
    const bytes = fromBase64(content)
    if (under && !isManifest(new TextDecoder().decode(bytes), under)) throw new RangeError('the manifest is not that of the vouchers')
    const e = sm2.getHash(bytes, `04${this.publicKey}`)
    if (digest && e.toLowerCase() !== digest.toLowerCase()) throw new RangeError('the digest is not that of the bytes, or of another key')
    return toBase64(fromHex(sm2.doSignature(fromHex(e), this.#secret, { der: true })))
  }
}

/** The key of a PEM file. Throws RangeError of what is enciphered, of another curve, or no key. */
export function readKey(pem: string): OwnKey {
  const found = /-----BEGIN (?:EC |SM2 )?PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END/.exec(pem)
  if (found === null) throw new RangeError('no private key in PEM that is not enciphered')
  const whole = fromBase64(found[1]!.replace(/\s/g, ''))
  if (!toHex(whole).includes(CURVE)) throw new RangeError('a key of another curve')
  return new OwnKey(toHex(scalarOf(whole)))
}

/** The octets of ECPrivateKey (RFC 5915), which PKCS#8 has within an octet string of its own. */
function scalarOf(whole: Uint8Array): Uint8Array {
  for (let fields = elements(only(whole)); ; ) {
    const [version, second, third] = fields
    if (version?.tag !== 0x02) throw new RangeError('no key')
    if (second?.tag === 0x04 && second.content.length === SCALAR_BYTES) return second.content
    if (second?.tag !== 0x30 || third?.tag !== 0x04) throw new RangeError('no key')
    fields = elements(only(third.content))
  }
}

interface Element {
  tag: number
  content: Uint8Array
}
function elements(content: Uint8Array): Element[] {
  const found: Element[] = []
  for (let at = 0; at < content.length; ) {
    const tag = content[at]!
    let size = content[at + 1] ?? 0
    let begins = at + 2
    if (size & 0x80) {
      begins += size & 0x7f
      size = content.subarray(at + 2, begins).reduce((sum, byte) => sum * 256 + byte, 0)
    }
    at = begins + size
    if (at > content.length) throw new RangeError('cut off')
    found.push({ tag, content: content.subarray(begins, at) })
  }
  return found
}
function only(whole: Uint8Array): Uint8Array {
  const [element] = elements(whole)
  if (element?.tag !== 0x30) throw new RangeError('no key')
  return element.content
}

/** The text that is signed for many: it holds the root of the tree of RFC 9162 over SM3(00 ‖ SM3(document)). */
function manifestText(ledger: string, role: string, documents: Uint8Array[]): string {
  let level = documents.map((each) => hash(join([0], hash(each))))
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let at = 0; at < level.length; at += 2)
      above.push(at + 1 < level.length ? hash(join([1], level[at]!, level[at + 1]!)) : level[at]!)
    level = above
  }
  return [HEADING, ledger, role, String(documents.length), toBase64(level[0]!), ''].join('\n')
}

function isManifest(text: string, under: string[]): boolean {
  const [, owner, role] = text.split('\n')
  return text === manifestText(owner!, role!, under.map(fromBase64))
}

function hash(bytes: Uint8Array): Uint8Array {
  return fromHex(sm3(bytes))
}
function join(...parts: ArrayLike<number>[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)))
}
function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}
function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
