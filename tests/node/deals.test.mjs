// A deal through supabase-js. tests/end_to_end/test_javascript.py runs this file.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ParleyError, dealing, renderActionMessage } from './support.mjs'

test('a deal is played with what was sent to each side', () =>
  dealing(async ({ asha, bharat, id }) => {
    const request = await asha.isAsked()
    const shown = renderActionMessage(request)
    assert.deepEqual(shown.buttons.map((b) => b.text), ['Accept', 'Decline'])
    assert.equal(shown.form, null)
    await asha.client.click(request, shown.buttons[0].id)
    const pressed = await asha.hears('button_action', { conversation_id: id })
    assert.equal(pressed.flow_update.new_state, 'brand_owner_details')
    await bharat.hears('conversation_state_changed', { new_state: 'brand_owner_details' })
    await bharat.hears('notification', { type: 'action_required' })

    const question = await bharat.isAsked()
    const { form } = renderActionMessage(question)
    const [field] = form.fields
    assert.deepEqual([field.name, field.type, field.required], ['details', 'textarea', true])
    await bharat.client.click(question, form.submit.id, { [field.name]: 'Three posts' })

    const details = await asha.isAsked([request])
    assert.deepEqual(renderActionMessage(details).quote, {
      by: bharat.client.userId, text: 'Three posts',
    })
    await asha.client.act(id, 'accept_project')
    const pricing = await bharat.isAsked([question])
    await bharat.client.click(pricing, renderActionMessage(pricing).form.submit.id, { price: 5000 })
    const offer = await asha.isAsked([request, details])
    const accept = renderActionMessage(offer).buttons[0]
    assert.equal(accept.data.price, 5000)
    const { conversation } = await asha.client.click(offer, accept.id)
    assert.equal(conversation.flow_state, 'payment_pending')
    assert.equal(conversation.amount_minor, 500_000)
  }))

test('a typed price is read by the server and heard as text_input', () =>
  dealing(async ({ asha, bharat, id }) => {
    await asha.client.act(id, 'accept_connection')
    await bharat.client.act(id, 'send_project_details', { details: 'Three posts' })
    await asha.client.act(id, 'accept_project')
    const args = { conversation_id: id, text: 'Rs. 5,500', input_type: 'price' }
    const { conversation } = await bharat.client.do('submit_text', args)
    assert.equal(conversation.flow_state, 'influencer_price_response')
    assert.equal(conversation.flow_data.offer_minor, 550_000)
    await bharat.hears('text_input', { input_type: 'price' })
    assert.deepEqual(asha.payloads('text_input'), [])
  }))

test('a step whose answer is lost is taken once', () =>
  dealing(async ({ asha, id }) => {
    const { rest } = asha.client.supabase
    const { fetch } = rest
    const statuses = []
    rest.fetch = async (url, options) => {
      const answer = await fetch(url, options)
      if (!String(url).includes('/rpc/take_action')) return answer
      statuses.push(answer.status)
      if (statuses.length === 1) throw new TypeError('the connection broke')
      return answer
    }
    const { flow_update } = await asha.client.act(id, 'accept_connection')
    assert.deepEqual(statuses, [200, 200])
    assert.equal(flow_update.new_state, 'brand_owner_details')
    const steps = await asha.client.call('get_conversation_history', { conversation_id: id })
    assert.deepEqual(steps.map((step) => step.action), ['connect_bid', 'accept_connection'])
  }))

test('a step given again after a restart answers as the first time', () =>
  dealing(async ({ asha, id }) => {
    const options = { client_action_id: crypto.randomUUID() }
    const first = await asha.client.act(id, 'accept_connection', {}, options)
    const again = await asha.client.act(id, 'accept_connection', {}, options)
    assert.deepEqual(again.flow_update, first.flow_update)
    assert.deepEqual(again.messages.map((m) => m.id), first.messages.map((m) => m.id))
    await assert.rejects(
      asha.client.act(id, 'end_conversation', {}, options),
      (error) => error.errorCode === 'IDEMPOTENCY_MISMATCH',
    )
  }))

test('a refused press has the shape of the seed, and what was decided too late is refused', () =>
  dealing(async ({ asha, id }) => {
    const request = await asha.isAsked()
    const { version } = await asha.client.call('get_conversation_context', { conversation_id: id })
    await asha.client.click(request, 'accept_connection')
    await assert.rejects(asha.client.click(request, 'reject_connection'), (error) => {
      assert.ok(error instanceof ParleyError)
      assert.equal(error.status, 409)
      const { message, ...said } = error.toJSON()
      assert.ok(message)
      assert.equal(said.success, false)
      assert.equal(said.error_code, 'ACTION_ALREADY_COMPLETED')
      return said.details.completed_action === 'accept_connection'
    })
    await assert.rejects(
      asha.client.act(id, 'end_conversation', {}, { expected_version: version }),
      (error) => error.errorCode === 'VERSION_CONFLICT' && error.details.version > version,
    )
  }))

test('what is drawn knows what else a button needs, and whether it was answered', () =>
  dealing(async ({ asha, bharat, id }) => {
    const request = await asha.isAsked()
    await asha.client.act(id, 'accept_connection')
    await bharat.client.act(id, 'send_project_details', { details: 'Three posts' })
    const details = await asha.isAsked([request])
    const actions = await asha.client.availableActions(id)
    const drawn = renderActionMessage(details, actions)
    const schemaOf = (name) => drawn.buttons.find((b) => b.id === name).schema
    assert.deepEqual(schemaOf('request_details_change').required, ['question'])
    assert.deepEqual(schemaOf('accept_project').required, [])
    assert.ok(drawn.is_open)
    assert.ok(Date.parse(drawn.expires_at) > Date.now())
    await asha.client.click(details, 'request_details_change', { question: 'Which?' })
    const read = await asha.client.call('get_messages', { conversation_id: id })
    const again = read.find((message) => message.id === details.id)
    assert.ok(!renderActionMessage(again).is_open)
    assert.equal(renderActionMessage(read[0]), null) // his receipt asks nothing
  }))

test('a sync that does not bring what was heard of is repeated', () =>
  dealing(async ({ asha, id }) => {
    const request = await asha.isAsked()
    const { client } = asha
    let syncs = 0
    client.call = async (name, args) => {
      const answer = await Object.getPrototypeOf(client).call.call(client, name, args)
      if (name !== 'sync') return answer
      syncs += 1
      return syncs > 2 ? answer : { ...answer, messages: [] }
    }
    // Between the request and her receipt lies what Bharat is asked: a gap for her.
    const { messages } = await client.act(id, 'accept_connection')
    const receipt = messages.at(-1)
    assert.ok(receipt.seq > request.seq + 1)
    await asha.hearsText(receipt.message)
    assert.equal(syncs, 3)
  }))
