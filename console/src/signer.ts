/**
 * Who signs with one's own key: a file in this page's memory, or an agent at the signer's machine
 * (docs/sign-agent.md). Bytes go in base64, as the API has them.
 */

import { Refused } from './api/client'

export interface ToSign {
  content: string
  /** e in hex, as the server says it; it is made anew before anything is signed. */
  digest?: string
  /** The vouchers of a manifest. */
  under?: string[]
}

export interface Signer {
  /** 128 hex digits, x‖y. */
  readonly publicKey: string
  /** Whose key it is, where the agent says so. */
  readonly principal?: string
  readonly certSerial?: string
  /** Base64 of DER (r, s), of all or of none. Throws Refused. */
  sign: (documents: ToSign[]) => Promise<string[]>
}

/** A key file. Throws Refused `key_unreadable` where it holds no key. */
export async function ofFile(file: File): Promise<Signer> {
  const { readKey } = await import('./sm2')
  const text = await file.text()
  try {
    const key = readKey(text)
    return {
      publicKey: key.publicKey,
      sign: async (documents) => {
        try {
          return documents.map((each) => key.sign(each))
        } catch (error) {
          throw new Refused('signature_invalid', { detail: String(error) }, 0)
        }
      },
    }
  } catch (error) {
    throw new Refused('key_unreadable', { detail: String(error) }, 0)
  }
}

const AGENT = 'http://127.0.0.1:9171/v1/'

async function askAgent<T>(act: string, token: string, body?: unknown): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(AGENT + act, {
      method: body ? 'POST' : 'GET',
      credentials: 'omit',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  } catch {
    throw new Refused('agent_unreachable', {}, 0)
  }
  const told: unknown = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Refused('agent_refused', { detail: (told as { detail?: string }).detail ?? '' }, 0)
  return told as T
}

/** The agent that shows this pairing code. Throws Refused `agent_unreachable`, `agent_refused`. */
export async function ofAgent(code: string): Promise<Signer> {
  const { token } = await askAgent<{ token: string }>('pair', '', { code })
  const key = await askAgent<{ principal: string; cert_serial: string; public_key: string }>('key', token)
  return {
    publicKey: key.public_key,
    principal: key.principal,
    certSerial: key.cert_serial,
    sign: async (documents) => (await askAgent<{ signatures: string[] }>('sign', token, { documents })).signatures,
  }
}
