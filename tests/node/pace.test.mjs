// When the client syncs although no event came. tests/end_to_end/test_javascript.py runs this file.

import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'

import { Pace } from '../../examples/javascript/pace.mjs'

const MINUTE = 60_000
let syncs, isWaiting, page

/** A page in a browser: whether it is visible, and what happens to it. */
function openPage() {
  const window = new EventTarget()
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  globalThis.addEventListener = window.addEventListener.bind(window)
  globalThis.removeEventListener = window.removeEventListener.bind(window)
  return {
    hide: () => (globalThis.document.visibilityState = 'hidden'),
    show: () => {
      globalThis.document.visibilityState = 'visible'
      globalThis.document.dispatchEvent(new Event('visibilitychange'))
      window.dispatchEvent(new Event('focus'))
    },
    comesOnline: () => window.dispatchEvent(new Event('online')),
  }
}

/** Let so much time pass, with what is done in it. */
async function pass(duration) {
  for (let passed = 0; passed < duration; passed += 1000) {
    mock.timers.tick(1000)
    await Promise.resolve()
  }
}

beforeEach(() => {
  mock.timers.reset()
  mock.timers.enable({ apis: ['setTimeout'] })
  page = openPage()
  syncs = 0
  isWaiting = false
})

function startPace() {
  const sync = async () => {
    syncs += 1
  }
  const pace = new Pace({
    quietAfter: MINUTE / 2, quietMost: MINUTE, isWaiting: () => isWaiting, sync,
  })
  pace.start()
  return pace
}

test('silence is broken within half a minute, then at least once a minute', async () => {
  startPace()
  await pass(MINUTE / 2)
  assert.equal(syncs, 1)
  await pass(4 * MINUTE)
  assert.ok(syncs >= 5 && syncs <= 6, `${syncs} syncs`)
})

test('an event begins the silence anew', async () => {
  const pace = startPace()
  for (let event = 0; event < 20; event += 1) {
    await pass(20_000)
    pace.hear()
  }
  assert.equal(syncs, 0)
})

test('a page that nobody sees asks only for what it waits for', async () => {
  startPace()
  page.hide()
  await pass(5 * MINUTE)
  assert.equal(syncs, 0)
  isWaiting = true
  await pass(MINUTE)
  assert.ok(syncs >= 1 && syncs <= 2, `${syncs} syncs`)
})

test('a page that comes back, or comes online, asks at once and once', async () => {
  startPace()
  page.hide()
  page.comesOnline()
  await pass(1000)
  assert.equal(syncs, 0)
  page.show()
  await pass(1000)
  assert.equal(syncs, 1)
  page.comesOnline()
  await pass(1000)
  assert.equal(syncs, 2)
})

test('after a stop nothing is asked', async () => {
  const pace = startPace()
  pace.stop()
  page.show()
  await pass(5 * MINUTE)
  assert.equal(syncs, 0)
})
