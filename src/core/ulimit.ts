/** A limit of a process. */

/** Named as `ulimit` options of docker name it: RLIMIT_NOFILE is `nofile`; -1 is unlimited. */
export interface Ulimit {
  readonly name: string
  readonly soft: number
  readonly hard: number
}
