/**
 * What a step of chroot mode may do at most: docker's capabilities, but for those with which it would leave its root folder
 * (SYS_CHROOT), make the disk's device (MKNOD), read the network of what surrounds it (NET_RAW), or that only serve to pass
 * on rights (SETPCAP). The numbers are those of capabilities(7).
 */
export const stepCapabilities: readonly number[] = [
  0, // CHOWN
  1, // DAC_OVERRIDE
  3, // FOWNER
  4, // FSETID
  5, // KILL
  6, // SETGID
  7, // SETUID
  10, // NET_BIND_SERVICE
  29, // AUDIT_WRITE
  31, // SETFCAP
]
