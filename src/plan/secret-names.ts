/** Which variables a secret can become. */

/**
 * Names that the host's own programs on the way to a step read: the loader, the C library, shells, mount(8). A secret has to
 * pass through their environment, since their arguments are for everybody to read.
 */
const taken =
  /^(LD_.*|GLIBC_TUNABLES|MALLOC_.*|GCONV_PATH|LOCPATH|NLSPATH|LC_ALL|LIBMOUNT_.*|POSIXLY_CORRECT|BASH.*|SHELLOPTS|ENV|PATH|PWD|OLDPWD|SHLVL|IFS|PS4|E?UID|PPID|OPTIND|_)$/

/** True for a name that shells pass on and that means nothing to the host's programs. */
export function canBeSecret(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !taken.test(name)
}
