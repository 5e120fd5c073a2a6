/** The script of the unpacking suite, to be run in a namespace. */
import { serveCases } from '../../rootfs/cases/serve.ts'
import { unpackCases } from './unpack-cases.ts'

await serveCases(unpackCases)
