/** In the place of Node's module crypto, which sm-crypto-v2 asks for where there is no browser. */

export const webcrypto = globalThis.crypto
