/** The part of @npmcli/fs that wherry uses; the package has no types of its own. */
declare module '@npmcli/fs' {
  /** Moves a file, copying across devices. */
  export function moveFile(source: string, destination: string, options?: { overwrite?: boolean }): Promise<void>
  /** Calls `work` with a new temporary folder below `root`, and removes it afterwards. */
  export function withTempDir<T>(
    root: string,
    work: (dir: string) => Promise<T>,
    options?: { tmpPrefix?: string },
  ): Promise<T>
}
