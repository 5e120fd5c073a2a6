/** A limit on what a Dockerfile's variables, args, ports and histories come to: a few lines that double one another fill any memory. */
import { WherryError } from '../core/errors.ts'

const maxCharacters = 32 * 1024 * 1024

/** What is left of it. */
export interface Budget {
  /** Takes characters off it. @throws WherryError `dockerfile-invalid` if there are none left */
  charge(this: void, characters: number): void
}

/** A whole one. */
export function newBudget(): Budget {
  let left = maxCharacters
  return {
    charge(characters) {
      left -= characters
      if (left >= 0) return
      throw new WherryError(
        'dockerfile-invalid',
        'the Dockerfile expands to more than 32 MiB of variables and history',
        {
          hint: 'Look for variables that hold one another several times, and for large ranges in EXPOSE.',
        },
      )
    },
  }
}
