// Files that are being uploaded: how far each is, and a way to call it off or to try it again.

import { useRef, useSyncExternalStore } from 'react'
import { formatSize, type Uploads } from '../data/uploads'
import { IconButton } from './bits'
import { Icon } from './Icon'
import { plain } from './RichText'

export const useUploads = (uploads: Uploads) =>
  useSyncExternalStore(uploads.subscribe, uploads.getEntries)

const KINDS = 'image/*,audio/*,video/*,application/pdf'

/** A button that lets the browser choose files. */
export function ChooseFiles({
  uploads,
  label,
  id,
  children,
}: {
  uploads: Uploads
  label: string
  id?: string
  children?: React.ReactNode
}) {
  const input = useRef<HTMLInputElement>(null)
  const choose = () => input.current?.click()
  return (
    <>
      {children ? (
        <button id={id} type="button" className="button button-secondary" onClick={choose}>
          {children}
        </button>
      ) : (
        <IconButton icon="clip" label={label} onClick={choose} />
      )}
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={KINDS}
        aria-label={label}
        onChange={(event) => {
          uploads.add(event.target.files ?? [])
          event.target.value = ''
        }}
      />
    </>
  )
}

export function FilesToSend({ uploads }: { uploads: Uploads }) {
  const entries = useUploads(uploads)
  if (!entries.length) return null
  return (
    <ul className="uploads" aria-label="Files to send">
      {entries.map(({ id, file, preview, progress, attachment, fault, canRetry }) => (
        <li key={id} className="upload" data-fault={fault !== null}>
          <span className="upload-picture">
            {preview ? <img src={preview} alt="" /> : <Icon name="file" />}
          </span>
          <span className="upload-text">
            <span className="file-name" dir="auto">
              {plain(file.name)}
            </span>
            {fault ? (
              <span className="field-fault" role="alert">
                {fault}
              </span>
            ) : attachment ? (
              <span className="muted">{formatSize(file.size)}</span>
            ) : (
              <progress value={progress} aria-label={`Uploading ${file.name}`} />
            )}
          </span>
          {canRetry && fault && (
            <IconButton
              icon="retry"
              label={`Try ${file.name} again`}
              onClick={() => uploads.retry(id)}
            />
          )}
          <IconButton
            icon="close"
            label={`Do not send ${file.name}`}
            onClick={() => uploads.remove(id)}
          />
        </li>
      ))}
    </ul>
  )
}
