/** A program to be killed: a run with a secret, a cache mount and a socket that says when it is there, and sleeps. */
import { openBench } from './trees.ts'

const [, , isolation, secret = '', agent = ''] = process.argv
const bench = await openBench(isolation as 'mapped', 'overlay', { secretsOnDisk: true })
process.stdout.write(`${bench.store.root}\n`)
const owner = { uid: 0, gid: 0, mode: 0o600 }
const ran = bench.run('cat /s > /c/there; cat /s > /m/too; exec sleep 1000', {
  mounts: [
    { kind: 'file', target: '/s', content: Buffer.from(secret).toString('base64'), ...owner },
    { kind: 'cache', id: 'c', sharing: 'locked', source: '/', target: '/c', readOnly: false, ...owner, mode: 0o755 },
    { kind: 'tmpfs', target: '/m' },
    { kind: 'stack', layers: bench.base, source: '/', target: '/b', readOnly: true },
    { kind: 'socket', target: '/a', path: agent, ...owner },
  ],
})
await ran
