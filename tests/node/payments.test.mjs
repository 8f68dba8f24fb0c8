// A payment through supabase-js and the app. tests/end_to_end/test_javascript.py runs this file.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ParleyClient, ParleyError, dealing } from './support.mjs'

const { SANDBOX_URL: sandbox } = process.env

/** What checkout.js does in a page; resolves to what it gives its handler. */
async function checkOut({ order_id }, outcome = 'captured') {
  const answer = await fetch(`${sandbox}/sandbox/orders/${order_id}/pay`, {
    method: 'POST',
    body: JSON.stringify({ outcome }),
  })
  return answer.json()
}

/** Run a test with a deal of ₹5,000 that waits for its payment. */
const agreeing = (play) =>
  dealing(async ({ asha, bharat, id }) => {
    await asha.client.act(id, 'accept_connection')
    await bharat.client.act(id, 'send_project_details', { details: 'Three posts' })
    await asha.client.act(id, 'accept_project')
    await bharat.client.act(id, 'send_price_offer', { price: 5000 })
    await asha.client.act(id, 'accept_price', { price: 5000 })
    await play({ asha, bharat, id })
  })

test('a deal is paid at the checkout, and both hear it', () =>
  agreeing(async ({ asha, bharat, id }) => {
    const config = await bharat.client.pay(id)
    assert.equal(config.amount, 500_000)
    assert.match(config.key_id, /^rzp_test_/)
    assert.deepEqual(await bharat.client.pay(id), config)
    const paid = await checkOut(config)
    const { flow_state } = await bharat.client.confirmPayment(id, paid)
    assert.equal(flow_state, 'payment_completed')
    for (const person of [asha, bharat]) {
      await person.hears('conversation_state_changed', { new_state: 'payment_completed' })
    }
    const again = await asha.client.refreshPayment(id)
    assert.equal(again.flow_state, 'payment_completed')
  }))

test('money that is to go back leaves when somebody signs in', () =>
  agreeing(async ({ asha, bharat, id }) => {
    await bharat.client.confirmPayment(id, await checkOut(await bharat.client.pay(id)))
    await asha.client.act(id, 'decline_work')
    await bharat.client.cleanUp()
    await asha.hears('conversation_state_changed', { new_state: 'chat_closed' })
  }))

test('what the app refuses has the shape of the seed', () =>
  agreeing(async ({ asha, bharat, id }) => {
    await bharat.client.pay(id)
    const forged = { razorpay_payment_id: 'pay_made00000up00', razorpay_signature: '0'.repeat(64) }
    for (const [asked, code, status] of [
      [() => asha.client.pay(id), 'NOT_YOUR_TURN', 409],
      [() => bharat.client.pay(crypto.randomUUID()), 'CONVERSATION_NOT_FOUND', 404],
      [() => bharat.client.confirmPayment(id, forged), 'BAD_SIGNATURE', 400],
    ]) {
      await assert.rejects(asked, (error) => {
        assert.ok(error instanceof ParleyError)
        assert.deepEqual([error.errorCode, error.status], [code, status])
        return error.toJSON().success === false
      })
    }
  }))

test('without the address of the app, paying is refused at once and nothing is asked', async () => {
  const session = { user: { id: 'nobody' }, access_token: 'x' }
  const client = new ParleyClient({ auth: {} }, session)
  const confirm = client.confirmPayment('x', {})
  for (const refused of [client.pay('x'), client.refreshPayment('x'), confirm]) {
    await assert.rejects(refused, (error) => {
      assert.match(error.message, /appUrl/)
      assert.deepEqual(error.toJSON(), {
        success: false, message: error.message, error_code: 'APP_UNKNOWN', details: {},
      })
      return true
    })
  }
})

test('trouble at the gateway is for people to see, not to be repeated', async () => {
  const answers = [{ error_code: 'GATEWAY_UNAVAILABLE', message: 'Press again.', details: {} }]
  const { fetch } = globalThis
  globalThis.fetch = async () => Response.json(answers.shift(), { status: 502 })
  try {
    const session = { user: { id: 'nobody' }, access_token: 'x' }
    const supabase = { auth: { getSession: async () => ({ data: { session } }) } }
    const client = new ParleyClient(supabase, session, { appUrl: 'http://nowhere.example' })
    await assert.rejects(client.pay('x'), { errorCode: 'GATEWAY_UNAVAILABLE', status: 502 })
  } finally {
    globalThis.fetch = fetch
  }
})
