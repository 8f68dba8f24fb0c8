/** @import { Action, ActionMessage, Message } from './types.js' */

/**
 * What to draw for an action message, or null for any other. `quote` is what a member said: draw it
 * as that member's words. `form` has the fields as an <input>
 * takes them. Buttons and the form's `submit` have the `id` that `click` wants; a button whose
 * schema has required properties needs them too: give `actions`, the user's available ones, to have
 * the schemas.
 *
 * @param {Message} message
 * @param {Action[]} [actions]
 * @returns {ActionMessage | null}
 */
export function renderActionMessage(message, actions = []) {
  const { action_required, action_completed, action_data } = message
  if (!action_required || !action_data) return null
  const { title, subtitle, buttons = [], input_fields = [], payment_order, expires_at } = action_data
  const { submit_action, submit_button } = action_data
  return {
    title: title ?? message.message,
    subtitle: subtitle ?? '',
    text: message.message,
    quote: action_data.quote ?? null,
    is_open: !action_completed,
    expires_at: expires_at ?? null,
    payment_order: payment_order ?? null,
    buttons: buttons.map((button) => ({
      ...button,
      schema: actions.find(({ action }) => action === button.action)?.schema ?? null,
    })),
    form: submit_action
      ? {
          fields: input_fields.map(({ id, value, ...field }) => ({
            ...field, name: id, defaultValue: value ?? '',
          })),
          submit: { id: submit_action, ...submit_button },
        }
      : null,
  }
}
