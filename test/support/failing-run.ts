/** A program for a terminal: a run that fails, with a shell for then. Prints how it ended and which signals it got. */
import { openBench } from './trees.ts'

const [, , isolation, ...command] = process.argv
for (const name of ['SIGINT', 'SIGTSTP', 'SIGHUP'] as const)
  process.on(name, () => process.stdout.write(`runner got ${name}\n`))

const bench = await openBench(isolation as 'mapped', 'overlay', { stdio: 'inherit', secretsOnDisk: true })
const ran = await bench.run('echo left > /tmp/left; cat /m/secret > /dev/null && exit 7', {
  env: ['PATH=/bin', 'PS1=inside# ', 'KEPT=kept'],
  cwd: '/tmp',
  onFailure: command.length === 0 ? ['/bin/sh'] : command,
  mounts: [
    {
      kind: 'file',
      target: '/m/secret',
      content: Buffer.from('s3cret\n').toString('base64'),
      mode: 0o400,
      uid: 0,
      gid: 0,
    },
  ],
})
await bench.close()
process.stdout.write(`runner: exit code ${ran.exitCode}, layer of ${ran.paths.length}\n`)
// For a last Ctrl-C.
await new Promise<void>((resolve) => {
  process.once('SIGINT', resolve)
  setTimeout(resolve, 5000)
})
process.exit(0)
