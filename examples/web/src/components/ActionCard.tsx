// What can be done now, as the server says it: a message that asks, or an action that is always
// there. No state of the flow is known here.

import { useRef, useState } from 'react'
import type { ParleyError } from '../../../javascript/parley-client.mjs'
import type { Action, ActionResult, InputField, Message } from '../../../javascript/types'
import { pay } from '../data/checkout'
import { formatDeadline } from '../data/clock'
import { useSession } from '../hooks/useSession'
import { Attachments } from './Attachments'
import { Ticking } from './bits'
import { Quote } from './Quote'
import { RichText } from './RichText'
import { explain, readSchema, type Schema, SchemaForm } from './SchemaForm'

// The one action that needs more than the server: the browser has to open the checkout.
const PAYS = 'proceed_to_payment'

/** Take an action: with a form if something has to be typed, at once otherwise. */
export function useAction(conversationId: string, message: Message | null) {
  const session = useSession()

  async function take(buttonId: string, action: string, input: object): Promise<ActionResult> {
    const context = session.state.conversations[conversationId]
    const answer = await session.act(conversationId, () =>
      message
        ? session.client.click(message, buttonId, input)
        : session.client.act(conversationId, action, input, {
            expected_version: context?.version,
          }),
    )
    if (action === PAYS) await pay(session, conversationId)
    return answer
  }
  return take
}

export function ActionCard({ message, actions }: { message: Message; actions: Action[] }) {
  const { action_data: data, conversation_id } = message
  const take = useAction(conversation_id, message)
  const open = (name: string | undefined) => actions.find((each) => each.action === name)
  const buttons = (data?.buttons ?? []).filter((button) => open(button.action))
  // A form that has a button opens at it; one that has none stands open.
  const hasButton = buttons.some((button) => button.action === data?.submit_action)
  const form = hasButton ? undefined : open(data?.submit_action)
  const isOpen = !message.action_completed && Boolean(form || buttons.length)
  const card = useRef<HTMLElement>(null)

  /** Takes the step. The card changes then, and keeps the keyboard's focus. */
  async function step(...args: Parameters<typeof take>) {
    const answer = await take(...args)
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) card.current?.focus({ preventScroll: true })
    })
    return answer
  }

  return (
    <article
      ref={card}
      className="action-card"
      data-open={isOpen}
      tabIndex={-1}
      aria-label={data?.title}
    >
      <header>
        <h3>
          <RichText text={data?.title ?? message.message} />
        </h3>
        {isOpen && data?.expires_at && (
          <span className="deadline">
            <Ticking at={data.expires_at} format={formatDeadline} every={1000} />
          </span>
        )}
      </header>
      <p>
        <RichText text={message.message} />
      </p>
      <Quote message={message} />
      <Attachments files={message.attachments} />
      {data?.subtitle && (
        <p className="muted">
          <RichText text={data.subtitle} />
        </p>
      )}
      {isOpen && form && data && (
        <SchemaForm
          schema={readSchema(data.schema ?? form.schema)}
          conversationId={conversation_id}
          submit={data.submit_button?.text ?? form.text}
          style={data.submit_button?.style ?? form.style}
          placeholders={placeholdersOf(data.input_fields)}
          values={Object.fromEntries(
            (data.input_fields ?? []).map((field) => [field.id, field.value ?? '']),
          )}
          onSubmit={(input) => step(form.button_id, form.action, input)}
        />
      )}
      {isOpen && (
        <ActionButtons
          conversationId={conversation_id}
          buttons={buttons.map((button) => ({
            ...button,
            ...choiceOf(open(button.action), button.data),
            cost: open(button.action)?.cost,
            placeholders: placeholdersOf(button.input_fields ?? data?.input_fields),
          }))}
          onTake={(button, input) => step(button.id, button.action, input)}
        />
      )}
      {!isOpen && <p className="action-done">{message.action_completed ? 'Done' : 'Closed'}</p>}
    </article>
  )
}

/**
 * A button's fields and what it sends without asking: the data it carries, or the value that the
 * server has filled in for a field that nobody has to fill in.
 */
export function choiceOf(action: Action | undefined, data?: object | null) {
  const { input, schema } = action ?? {}
  const isGiven = input && !input.required && input.value != null
  const given: Record<string, unknown> = { ...(isGiven && { [input.id]: input.value }), ...data }
  const asked = Object.entries((input && readSchema(schema).properties) || {}).filter(
    ([name]) => !(name in given),
  )
  return { given, schema: { ...schema, properties: Object.fromEntries(asked) } }
}

const placeholdersOf = (fields: InputField[] = []): Record<string, string> =>
  Object.fromEntries(fields.map((field) => [field.id, field.placeholder ?? '']))

interface Choice {
  id: string
  text: string
  style: string
  action: string
  schema: Schema
  given: Record<string, unknown>
  cost?: number | undefined
  placeholders?: Record<string, string>
}

/** Buttons; one that has fields opens a form with them first. */
export function ActionButtons({
  conversationId,
  buttons,
  onTake,
}: {
  conversationId: string
  buttons: Choice[]
  onTake: (button: Choice, input: object) => Promise<unknown>
}) {
  const [asked, setAsked] = useState<string | null>(null)
  const [busy, setBusy] = useState<string | null>(null)
  const [fault, setFault] = useState('')
  const row = useRef<HTMLDivElement>(null)
  const button = buttons.find((each) => each.id === asked)

  async function press(pressed: Choice) {
    setFault('')
    if (Object.keys(pressed.schema.properties ?? {}).length) return setAsked(pressed.id)
    setBusy(pressed.id)
    try {
      await onTake(pressed, pressed.given)
    } catch (error) {
      setFault(explain(error as ParleyError, []).text)
    } finally {
      setBusy(null)
    }
  }

  function cancel() {
    setAsked(null)
    requestAnimationFrame(() => row.current?.querySelector('button')?.focus())
  }

  if (button) {
    return (
      <SchemaForm
        schema={button.schema}
        conversationId={conversationId}
        submit={button.text}
        style={button.style}
        {...(button.placeholders && { placeholders: button.placeholders })}
        onSubmit={async (input) => {
          await onTake(button, { ...button.given, ...input })
          setAsked(null)
        }}
        onCancel={cancel}
      />
    )
  }
  return (
    <>
      <div className="action-buttons" ref={row}>
        {buttons.map((each) => (
          <button
            key={each.id}
            type="button"
            className={`button button-${each.style}`}
            disabled={busy !== null}
            onClick={() => void press(each)}
          >
            {busy === each.id ? 'One moment …' : each.text}
            {each.cost ? ` · ${each.cost} points` : ''}
          </button>
        ))}
      </div>
      {fault && (
        <p className="field-fault" role="alert">
          {fault}
        </p>
      )}
    </>
  )
}
