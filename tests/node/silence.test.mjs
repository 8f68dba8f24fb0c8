// A server that drops every event. tests/end_to_end/test_silence.py runs this file.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { talking } from './support.mjs'

test('what was sent while no event came is there on both sides, in order', () =>
  talking(async ({ asha, bharat, id }) => {
    const texts = []
    for (let number = 1; number <= 10; number += 1) {
      for (const [name, { client }] of Object.entries({ asha, bharat })) {
        texts.push(`${name} ${number}`)
        await client.send(id, texts.at(-1))
      }
    }
    for (const person of [asha, bharat]) {
      await person.hearsText('bharat 10')
      assert.deepEqual(person.texts(), texts)
      assert.deepEqual(person.payloads('notification'), [])
    }
  }, { quietAfter: 300, quietMost: 600 }))
