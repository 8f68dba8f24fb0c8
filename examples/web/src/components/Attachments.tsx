// The files of a message or of submitted work: pictures are shown, others can be fetched. Each
// address is signed for a while, and for a minute only when the message disappears.

import { useEffect, useRef, useState } from 'react'
import type { ParleyClient } from '../../../javascript/parley-client.mjs'
import type { Attachment } from '../../../javascript/types'
import { formatSize } from '../data/uploads'
import { useSession } from '../hooks/useSession'
import { Icon } from './Icon'
import { plain } from './RichText'

const SHOWN = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif'])
// How large a picture is drawn at most, in pixels; without a known size it gets a square.
const WIDEST = 320
const HIGHEST = 320

export function Attachments({
  files,
  expiresAt = null,
}: {
  files: Attachment[] | null
  expiresAt?: string | null
}) {
  if (!files?.length) return null
  return (
    <ul className="attachments" aria-label="Files">
      {files.map((file) => (
        <li key={file.path}>
          {SHOWN.has(file.media_type) ? (
            <Picture file={file} expiresAt={expiresAt} />
          ) : (
            <Download file={file} expiresAt={expiresAt} />
          )}
        </li>
      ))}
    </ul>
  )
}

interface Shown {
  file: Attachment
  expiresAt: string | null
}

function Picture({ file, expiresAt }: Shown) {
  const { client } = useSession()
  const frame = useRef<HTMLAnchorElement>(null)
  const [isNear, setNear] = useState(false)
  const [tries, setTries] = useState(0)
  const [url, setUrl] = useState<string | null>(null)
  const { path, name } = file

  // A picture is asked for only when it comes near the screen.
  useEffect(() => {
    if (!frame.current || isNear) return
    const observer = new IntersectionObserver(
      (seen) => seen.some((each) => each.isIntersecting) && setNear(true),
      { rootMargin: '400px' },
    )
    observer.observe(frame.current)
    return () => observer.disconnect()
  }, [isNear])

  useEffect(() => {
    if (!isNear || tries > 1) return
    let isWanted = true
    client.fileUrl({ expires_at: expiresAt }, { path, name }).then(
      (signed) => isWanted && setUrl(signed),
      () => isWanted && setTries(2),
    )
    return () => {
      isWanted = false
    }
  }, [client, path, name, expiresAt, isNear, tries])

  if (tries > 1) return <Download file={file} expiresAt={expiresAt} />
  const { width, height } = sizeOf(file)
  return (
    <a
      ref={frame}
      className="picture"
      href={url ?? undefined}
      aria-label={`Open ${plain(name)}`}
      onClick={(event) => {
        event.preventDefault()
        void openFile(client, file, expiresAt)
      }}
    >
      {url ? (
        // An address that has run out is signed anew, once.
        <img
          src={url}
          alt={plain(name)}
          width={width}
          height={height}
          onError={() => setTries(tries + 1)}
        />
      ) : (
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true" />
      )}
    </a>
  )
}

function sizeOf({ width, height }: Attachment) {
  if (!width || !height) return { width: 240, height: 240 }
  const scale = Math.min(1, WIDEST / width, HIGHEST / height)
  return {
    width: Math.max(44, Math.round(width * scale)),
    height: Math.max(44, Math.round(height * scale)),
  }
}

function Download({ file, expiresAt }: Shown) {
  const { client } = useSession()
  return (
    <button
      type="button"
      className="file"
      onClick={() => void openFile(client, file, expiresAt, true)}
    >
      <Icon name="file" />
      <span className="file-text">
        <span className="file-name" dir="auto">
          {plain(file.name)}
        </span>
        <span className="muted">{formatSize(file.size)}</span>
      </span>
      <Icon name="download" size={18} />
    </button>
  )
}

/** Sign a new address of a file, then open the file in a new tab or save it. */
async function openFile(
  client: ParleyClient,
  file: Attachment,
  expires_at: string | null,
  download = false,
) {
  const link = document.createElement('a')
  link.href = await client.fileUrl({ expires_at }, file, { seconds: 60, download })
  link.target = download ? '' : '_blank'
  link.rel = 'noopener noreferrer'
  link.click()
}
