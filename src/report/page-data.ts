/** What the page is given as JSON: the rows of every layer's tree, column by column. It has no imports, since it is also read there. */

/** The rows of a layer, a folder before what it holds. */
export interface PageLayer {
  /** What stands for the layer in the tree. */
  readonly title: string
  /** Names as they are shown. */
  readonly names: readonly string[]
  /** From 0. */
  readonly depths: readonly number[]
  /** A letter for each row: `A`, `C`, `D`, or `-` for none. */
  readonly marks: string
  /** A letter for each row, as `ls` has them; `h` is a hard link. */
  readonly kinds: string
  /** Bytes at the row and below it; of what is deleted the bytes that it hid. */
  readonly sizes: readonly number[]
  /** Permission bits, owner and group as one text for each row, by index into `attributes`; -1 for a folder that is only implied. */
  readonly attributesOf: readonly number[]
  readonly attributes: readonly string[]
  /** Link targets by row. */
  readonly links: Readonly<Record<string, string>>
  /** Rows whose bytes are what they were before. */
  readonly sameBytes: readonly number[]
  readonly size: number
}

export interface PageData {
  readonly layers: readonly PageLayer[]
}
