// A text of somebody's: links can be followed safely, everything else is shown as it is.

const LINK = /\bhttps?:\/\/[^\s<>"'`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi
const TRAILING = /[.,;:!?)\]}'"]+$/
// Characters that would show the text after them in another order than it is read.
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g

/** A text in the order in which it is read, for a name. */
export const plain = (text: string): string => text.replaceAll(OVERRIDES, '')

export function RichText({ text }: { text: string }) {
  const shown = plain(text)
  const parts: React.ReactNode[] = []
  let end = 0
  for (const match of shown.matchAll(LINK)) {
    const address = match[0].replace(TRAILING, '')
    const url = URL.parse(address)
    if (!url || url.username || url.password) continue
    parts.push(shown.slice(end, match.index))
    parts.push(
      <a key={match.index} href={url.href} target="_blank" rel="noopener noreferrer nofollow">
        {address}
      </a>,
    )
    end = match.index + address.length
  }
  parts.push(shown.slice(end))
  return (
    <span className="rich-text" dir="auto">
      {parts}
    </span>
  )
}

/** A text with the found words marked. */
export function Highlighted({ text, ranges }: { text: string; ranges: [number, number][] }) {
  const parts: React.ReactNode[] = []
  let end = 0
  for (const [start, length] of ranges) {
    parts.push(text.slice(end, start))
    parts.push(<mark key={start}>{text.slice(start, start + length)}</mark>)
    end = start + length
  }
  parts.push(text.slice(end))
  return <span dir="auto">{parts}</span>
}
