/** How much of the processor something takes: other programs on the machine do not count, as they would by the clock. */

/** Milliseconds of this process while `work` runs; nothing else may run in it meanwhile. */
export async function spentMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
