// The errors of refused or failed calls: of the API, the app, the platform's sign-in, or the network.

/** Refusals of the app that a person has to see, whatever their status is. */
const FOR_PEOPLE = [
  'GATEWAY_UNAVAILABLE', 'GATEWAY_REFUSED', 'PAYMENTS_OFF', 'PAYMENTS_MISCONFIGURED',
]

/** Codes of a token that is missing, expired or refused. */
export const TOKEN_REFUSED = ['PGRST301', 'PGRST303', 'AUTH_REQUIRED']

/** A refusal: a sentence, its code (docs/ERRORS.md) and the code's details. */
export class ParleyError extends Error {
  /**
   * @param {string} message
   * @param {string} errorCode
   * @param {Record<string, any> | null} [details]
   * @param {number} [status] HTTP status; 0: there was no answer
   */
  constructor(message, errorCode, details = null, status = 0) {
    super(message)
    this.name = 'ParleyError'
    this.errorCode = errorCode
    this.details = details ?? {}
    this.status = status
  }

  /**
   * The form in which the Flask app answers errors as well.
   *
   * @returns {{success: false, message: string, error_code: string, details: Record<string, any>}}
   */
  toJSON() {
    const { message, errorCode, details } = this
    return { success: false, message, error_code: errorCode, details }
  }

  /** Whether the same call may succeed later. */
  get isTransient() {
    if (FOR_PEOPLE.includes(this.errorCode)) return false
    if (this.status === 0) return this.errorCode === 'NETWORK'
    return this.status === 429 || this.status >= 500
  }
}

/**
 * Nobody answered.
 *
 * @param {unknown} reason
 */
export function networkError(reason) {
  const said = reason instanceof Error ? reason.message : String(reason)
  return new ParleyError('There was no answer: check the connection.', 'NETWORK', { reason: said })
}

/**
 * A refusal of the API. `details` travels as the JSON text of an object; PostgREST's own refusals,
 * such as a misspelt function, have plain text there and what it guesses in `hint`.
 *
 * @param {{message: string, code?: string, details?: string | null, hint?: string | null}} error
 * @param {number} status
 */
export function readError(error, status) {
  if (!status) return networkError(error.message)
  const hint = error.hint ? { hint: error.hint } : {}
  return new ParleyError(
    error.message, error.code || String(status), { ...readDetails(error.details), ...hint }, status,
  )
}

/** @param {string | null | undefined} text */
function readDetails(text) {
  if (!text) return {}
  try {
    const details = JSON.parse(text)
    if (typeof details === 'object' && details !== null) return details
  } catch {
    // A sentence of PostgREST or PostgreSQL.
  }
  return { reason: text }
}

/**
 * A refusal of the Flask app, or of a proxy in front of it.
 *
 * @param {Partial<{message: string, error_code: string, details: Record<string, any>}>} said
 * @param {number} status
 */
export function readAppError({ message, error_code, details }, status) {
  return new ParleyError(
    message ?? 'The app cannot be reached.', error_code ?? String(status), details, status,
  )
}

/**
 * A refusal of the platform's sign-in.
 *
 * @param {{message: string, name: string, code?: string, status?: number}} error
 */
export function readAuthError({ message, name, code, status }) {
  if (!status) return networkError(message)
  return new ParleyError(message, code ?? (status >= 500 ? String(status) : name), null, status)
}
