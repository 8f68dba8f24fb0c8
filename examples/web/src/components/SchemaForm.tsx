// A form drawn from the JSON Schema of an action; the server checks again and has the last word.

import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import type { ParleyError } from '../../../javascript/parley-client.mjs'
import type { Attachment } from '../../../javascript/types'
import { humanise } from '../data/api'
import { Uploads } from '../data/uploads'
import { useSession } from '../hooks/useSession'
import { ChooseFiles, FilesToSend } from './FilesToSend'
import { Icon } from './Icon'

/** What a form draws of a JSON Schema. */
export interface Schema {
  required?: string[]
  properties?: Record<string, Property>
}

interface Property {
  type?: string | string[]
  description?: string
  title?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  enum?: (string | number)[]
  default?: string | number
}

/** The API says of a schema only that it is one. */
export const readSchema = (schema: object | undefined) => (schema ?? {}) as Schema

type Input = Record<string, string | number | Attachment[]>

const RULES: Record<string, string> = {
  required: 'Fill this in.',
  type: 'This is not what is asked for.',
  min: 'This is too little.',
  max: 'This is too much.',
  maxLength: 'This is too long.',
  minLength: 'This is too short.',
}

/** The refusal of one field, or of the whole form when `field` is null. */
export function explain(error: ParleyError, fields: string[]) {
  const { errorCode, details, message } = error
  if (errorCode === 'VERSION_CONFLICT') {
    const text = 'The deal has moved on since you saw this. Look at what is new, then decide again.'
    return { field: null, text }
  }
  const named = String(details?.field ?? '')
  if (fields.includes(named)) {
    return { field: named, text: RULES[String(details?.rule)] ?? message }
  }
  const price = fields.find((field) => field === 'price' || field.endsWith('amount'))
  if (errorCode.startsWith('PRICE_') && price) return { field: price, text: message }
  return { field: null, text: message }
}

export function SchemaForm<I extends object = Input>({
  schema,
  submit,
  style,
  placeholders = {},
  values = {},
  conversationId = '',
  onSubmit,
  onCancel,
}: {
  schema: Schema
  submit: string
  style: string
  placeholders?: Record<string, string>
  values?: Record<string, string | number>
  /** Where files are uploaded to, for a form that takes some. */
  conversationId?: string
  /** Gets what was typed; the server says whether it is what the schema asks for. */
  onSubmit: (input: I) => Promise<unknown>
  onCancel?: () => void
}) {
  const id = useId()
  const form = useRef<HTMLFormElement>(null)
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<{ field: string | null; text: string } | null>(null)
  const { client } = useSession()
  const [uploads] = useState(() => new Uploads(client, conversationId))
  const isRequired = (name: string) => schema.required?.includes(name) ?? false
  // Postgres sorts the keys of an object by their length: required fields come first here.
  const properties = Object.entries(schema.properties ?? {}).sort(
    ([one], [other]) => Number(isRequired(other)) - Number(isRequired(one)),
  )
  const names = properties.map(([name]) => name)

  useEffect(() => {
    if (onCancel || form.current?.closest('dialog'))
      form.current?.querySelector<HTMLElement>('input, textarea, select')?.focus()
  }, [onCancel])

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const input: Input = {}
    for (const [name, property] of properties) {
      if (isFiles(property)) {
        if (uploads.isBusy)
          return refuse({ field: name, text: 'The files are still on their way.' })
        if (uploads.hasFault) return refuse({ field: name, text: 'One of the files has failed.' })
        const files = uploads.entries.flatMap(({ attachment }) => attachment ?? [])
        if (files.length) input[name] = files
        continue
      }
      const text = String(data.get(name) ?? '').trim()
      if (!text && isRequired(name)) return refuse({ field: name, text: 'Fill this in.' })
      if (text) input[name] = isNumeric(property) ? Number(text) : text
    }
    setBusy(true)
    setFault(null)
    try {
      await onSubmit(input as I)
      uploads.take()
    } catch (error) {
      refuse(explain(error as ParleyError, names))
    } finally {
      setBusy(false)
    }
  }

  function refuse(found: { field: string | null; text: string }) {
    setFault(found)
    if (found.field) {
      form.current?.querySelector<HTMLElement>(`[name="${CSS.escape(found.field)}"]`)?.focus()
    }
  }

  return (
    <form ref={form} className="schema-form" onSubmit={send} noValidate>
      {properties.map(([name, property]) => {
        const isWrong = fault?.field === name
        const isOptional = !isRequired(name)
        const hint = placeholders[name] ?? property.description ?? ''
        const props = {
          id: `${id}-${name}`,
          name,
          defaultValue: values[name] ?? property.default ?? '',
          'aria-invalid': isWrong || undefined,
          'aria-describedby': isWrong ? `${id}-${name}-fault` : undefined,
          'aria-required': !isOptional || undefined,
        }
        return (
          <div className="field" key={name}>
            <label htmlFor={props.id}>
              {property.title ?? humanise(name)}
              {isOptional && <span className="field-optional"> optional</span>}
            </label>
            {isFiles(property) ? (
              <>
                <FilesToSend uploads={uploads} />
                <ChooseFiles uploads={uploads} label={humanise(name)} id={props.id}>
                  <Icon name="clip" size={16} /> Add files
                </ChooseFiles>
              </>
            ) : (
              <Control property={property} hint={hint} {...props} />
            )}
            {isWrong && (
              <p className="field-fault" id={`${id}-${name}-fault`} role="alert">
                {fault.text}
              </p>
            )}
          </div>
        )
      })}
      {fault && fault.field === null && (
        <p className="field-fault" role="alert">
          {fault.text}
        </p>
      )}
      <div className="form-buttons">
        <button type="submit" className={`button button-${style}`} disabled={isBusy}>
          {isBusy ? 'One moment …' : submit}
        </button>
        {onCancel && (
          <button type="button" className="button button-plain" onClick={onCancel}>
            Not now
          </button>
        )}
      </div>
    </form>
  )
}

const isFiles = ({ type }: Property) => type === 'array'

const isNumeric = ({ type }: Property) =>
  [type].flat().some((each) => each === 'integer' || each === 'number') &&
  ![type].flat().includes('string')

function Control({
  property,
  hint,
  ...props
}: {
  property: Property
  hint: string
  id: string
  name: string
  defaultValue: string | number
}) {
  const { minimum, maximum, maxLength } = property
  const choices = property.enum ?? (isShortScale(property) ? scaleOf(property) : null)
  if (choices) {
    const { defaultValue, name, id, ...rest } = props
    return (
      <span className="choices" role="radiogroup" id={id} {...rest}>
        {choices.map((choice) => (
          <label key={choice} className="choice">
            <input
              type="radio"
              name={name}
              value={choice}
              defaultChecked={choice === defaultValue}
            />
            <span>{typeof choice === 'number' ? choice : humanise(choice)}</span>
          </label>
        ))}
      </span>
    )
  }
  if (isNumeric(property)) {
    return (
      <input {...props} type="number" step="any" min={minimum} max={maximum} placeholder={hint} />
    )
  }
  if (maxLength && maxLength >= 200) {
    return <textarea {...props} rows={2} maxLength={maxLength} placeholder={hint} dir="auto" />
  }
  return <input {...props} type="text" maxLength={maxLength} placeholder={hint} dir="auto" />
}

const isShortScale = (property: Property) =>
  property.type === 'integer' &&
  property.minimum !== undefined &&
  property.maximum !== undefined &&
  property.maximum - property.minimum < 6

const scaleOf = ({ minimum = 0, maximum = 0 }: Property) =>
  Array.from({ length: maximum - minimum + 1 }, (_, index) => minimum + index)
