/** Data in a page. */
import type { Markup } from '../core/markup.ts'

/** JSON for a `<script>`: no character of it can end the element or begin a comment. */
export function scriptJson(value: unknown): Markup {
  const text = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return { markup: text }
}
