// When to sync although no event came. Realtime silently drops events when a project is over its
// quota, so silence proves nothing.
//
// While the page is visible, or a send or step has no answer yet, the client syncs after `quietAfter`
// without an event, then after twice as long, at most `quietMost`; partly at random, so that a thousand
// clients do not ask in the same second. It syncs at once when the page comes back to the front and
// when the network comes back. Outside a browser the page counts as visible.

export class Pace {
  #settings
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #quiet = 0
  #isRunning = false

  /**
   * @param {object} settings
   * @param {number} settings.quietAfter milliseconds
   * @param {number} settings.quietMost milliseconds
   * @param {() => boolean} settings.isWaiting whether something of one's own is unanswered
   * @param {() => Promise<void>} settings.sync never rejects
   */
  constructor(settings) {
    this.#settings = settings
  }

  start() {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#listen('addEventListener')
    this.hear()
  }

  stop() {
    this.#isRunning = false
    this.#listen('removeEventListener')
    clearTimeout(this.#timer)
  }

  /** Something came: the silence begins anew. */
  hear() {
    this.#quiet = this.#settings.quietAfter
    this.#wake(this.#quiet)
  }

  /** @param {number} delay */
  #wake(delay) {
    if (!this.#isRunning) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#breakSilence, delay * (0.8 + 0.2 * Math.random()))
  }

  #breakSilence = async () => {
    const quiet = (this.#quiet = Math.min(this.#quiet * 2, this.#settings.quietMost))
    if (isVisible() || this.#settings.isWaiting()) await this.#settings.sync()
    // What the sync brought may have begun the silence anew.
    if (this.#quiet === quiet) this.#wake(quiet)
  }

  #comeBack = () => {
    if (isVisible()) this.#wake(0) // focus and visibility come together: one sync
  }

  /** @param {'addEventListener' | 'removeEventListener'} how */
  #listen(how) {
    if (!globalThis.document) return
    for (const event of ['focus', 'online']) globalThis[how](event, this.#comeBack)
    globalThis.document[how]('visibilitychange', this.#comeBack)
  }
}

const isVisible = () => globalThis.document?.visibilityState !== 'hidden'
