/** What rpm answers, as packages with their dependencies. */
import { expect, it } from 'vitest'
import { installedOf, parseRpmAnswer } from '../../src/base/installed/rpm.ts'

const answer = `N bash
E 5.2-1.x86_64
R /bin/sh
R libtinfo.so.6()(64bit)
R rpmlib(FileDigests)
R config(bash)
R (glibc if kernel)
P bash
P /bin/sh
F /usr/bin/bash
F /usr/bin/sh
N ncurses-libs
E 6.4-1.x86_64
R /usr/bin/ldconfig
P libtinfo.so.6()(64bit)
F /usr/lib64/libtinfo.so.6
N glibc
E 2.38-1.x86_64
F /sbin/ldconfig
N unused
E 1-1.noarch
F /usr/bin/unused
`

it('requirements are met by names, by what packages provide and by files, under either path of a program', () => {
  const packages = installedOf(parseRpmAnswer(answer.replace('/sbin/ldconfig', '/bin/ldconfig')))
  expect(packages.withDependencies(['bash'])).toEqual(['bash', 'glibc', 'ncurses-libs'])
  expect(packages.files('bash')).toEqual(['/usr/bin/bash', '/usr/bin/sh'])
  expect(packages.describe('bash')).toBe('bash 5.2-1.x86_64')
  expect(packages.has('absent')).toBe(false)
})
