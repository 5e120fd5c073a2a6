/** Values of `--output`: what each asks for, and what is refused by name. */
import { describe, expect, it } from 'vitest'
import { type OutputSurroundings, outputAttributes, parseOutputs } from '../../src/cli/outputs.ts'

const around: OutputSurroundings = { cwd: '/work', tags: [], push: false, annotations: [], isTerminal: false }
const form = { packing: { force: false, docker: false }, rewriteTimestamp: false, annotations: [] }
const image = { type: 'image', names: [], push: 'no', digestNames: [], form }

const parse = (value: string, more: Partial<OutputSurroundings> = {}) => parseOutputs([value], { ...around, ...more })

describe('an output', () => {
  it.each([
    ['out', { type: 'local', dest: '/work/out' }],
    ['-', { type: 'tar', dest: '-' }],
    ['type=oci,dest=/x/y', { type: 'oci', dest: '/x/y', tar: true, names: [], form }],
    ['type=oci', { type: 'oci', dest: '-', tar: true, names: [], form }],
    ['type=oci,dest=o,tar=false', { type: 'oci', dest: '/work/o', tar: false, names: [], form }],
    ['type=docker,dest=i.tar', { type: 'docker', dest: '/work/i.tar', tar: true, names: [], form }],
    ['type=docker,dest=-', { type: 'docker', dest: '-', tar: true, names: [], form }],
    ['type=tar', { type: 'tar', dest: '-' }],
    ['type=tar,dest=-,source-date-epoch=7', { type: 'tar', dest: '-', epoch: 7 }],
    ['type=local,dest=d,platform-split=false,mode=copy', { type: 'local', dest: '/work/d', platformSplit: false }],
    ['"dest=a,b",type=local', { type: 'local', dest: '/work/a,b' }],
    ['type=image', image],
    ['type=image,store=true,unpack=false,oci-artifact=false', image],
    ['type=image,name=a', { ...image, names: ['docker.io/library/a:latest'] }],
    ['type=image,push=,name=a/b:1', { ...image, names: ['docker.io/a/b:1'], push: 'tag' }],
    ['type=registry,"name=r.io/a,r.io/b:2"', { ...image, names: ['r.io/a:latest', 'r.io/b:2'], push: 'tag' }],
    [
      'type=image,name=r.io/a,push=true,push-by-digest=true,name-canonical=true',
      { ...image, names: ['r.io/a:latest'], push: 'digest', digestNames: ['r.io/a'] },
    ],
    ['type=image,dangling-name-prefix=r.io/d', { ...image, digestNames: ['r.io/d'] }],
    [
      'type=image,name=x,dangling-name-prefix=r.io/d,danging-name-empty-only=true',
      { ...image, names: ['docker.io/library/x:latest'] },
    ],
  ])('%s', (value, output) => {
    expect(parse(value)).toEqual([output])
  })

  it.each([
    ['compression=gzip', { compression: { type: 'gzip' }, force: false, docker: false }],
    ['compression=uncompressed', { compression: { type: 'none' }, force: false, docker: false }],
    [
      'compression=zstd,compression-level=19,force-compression=true',
      { compression: { type: 'zstd', level: 19 }, force: true, docker: false },
    ],
    ['compression-level=1', { compression: { type: 'gzip', level: 1 }, force: false, docker: false }],
    ['force-compression=1', { compression: { type: 'gzip' }, force: true, docker: false }],
    ['oci-mediatypes=false', { force: false, docker: true }],
    ['oci-mediatypes=true', { force: false, docker: false }],
  ])('packs layers with %s', (attributes, packing) => {
    expect(parse(`type=oci,dest=x,${attributes}`)).toMatchObject([{ form: { packing } }])
  })

  it('has times of its own', () => {
    expect(parse('type=image,rewrite-timestamp=true,source-date-epoch=12')).toMatchObject([
      { form: { rewriteTimestamp: true, epoch: 12 } },
    ])
    expect(parse('type=image,source-date-epoch=')).toMatchObject([{ form: { epoch: null } }])
  })

  it('has annotations, and those of the whole build', () => {
    const whole = { scope: 'manifest', key: 'w', value: '1' } as const
    const [output] = parse('type=image,annotation.a=1,annotation-index.b=2,annotation-manifest[linux/arm64].C=3', {
      annotations: [whole],
    })
    expect(output).toMatchObject({
      form: {
        annotations: [
          { scope: 'manifest', key: 'a', value: '1' },
          { scope: 'index', key: 'b', value: '2' },
          { scope: 'manifest', platform: 'linux/arm64', key: 'c', value: '3' },
          whole,
        ],
      },
    })
  })

  it('takes the names of -t in the place of its own', () => {
    const tags = ['b', 'c:1']
    const names = ['docker.io/library/b:latest', 'docker.io/library/c:1']
    expect(parse('type=oci,name=a', { tags })).toMatchObject([{ names }])
    expect(parse('type=image,name=a', { tags })).toMatchObject([{ names }])
  })

  it('of type=docker without a destination is a wish for an engine', () => {
    expect(parse('type=docker')).toEqual([])
    expect(parse('type=cacheonly')).toEqual([])
  })

  it.each([
    ['type=zip,dest=x', '"zip" is not a type'],
    ['dest=x', 'it has no type'],
    ['type=oci,dest=x,tar=2', 'tar is "2", which is neither true nor false'],
    ['type=oci,x', '"x" is not KEY=VALUE'],
    ['type="oci', 'a quote is in the wrong place'],
    ['type=oci,dest=x,frobnicate=1', 'the attribute "frobnicate" is not known for type=oci'],
    ['type=oci,dest=x,push=true', 'the attribute "push" is not known for type=oci'],
    ['type=local,dest=x,name=a', 'the attribute "name" is not known for type=local'],
    ['type=local,dest=x,annotation.a=1', 'the attribute "annotation.a" is not known for type=local'],
    ['type=image,annotation-layer.a=1', '"layer" is not a place for annotations'],
    ['type=image,compression=estargz', 'compression=estargz is not implemented'],
    ['type=image,compression=lzma', '"lzma" is not a compression'],
    ['type=image,compression-level=10', 'for gzip it is 0 to 9'],
    ['type=image,compression=zstd,compression-level=-1', 'for zstd it is 0 to 22'],
    ['type=image,compression=uncompressed,compression-level=1', 'means nothing without compression'],
    ['type=image,compression=zstd,oci-mediatypes=false', "no place in Docker's media types"],
    ['type=image,oci-artifact=true', 'wherry makes none yet'],
    ['type=image,unpack=true', 'unpack=true is not possible'],
    ['type=image,store=false', 'the store always keeps the image'],
    ['type=image,registry.insecure=true', '--insecure-registry'],
    ['type=image,buildinfo=true', 'no build info'],
    ['type=image,attestation-inline=true', 'no attestations'],
    ['type=docker,context=x', 'no engine to load into'],
    ['type=image,source-date-epoch=now', 'not a number of seconds'],
    ['type=registry', 'needs a name to push to'],
    ['type=image,push=true', 'needs a name to push to'],
    ['type=image,name=a:1,push=true,push-by-digest=true', '"a:1" has a tag'],
    [`type=image,name=a@sha256:${'0'.repeat(64)}`, 'is a digest, which cannot be chosen'],
    ['type=local', 'it has no dest'],
    ['type=local,dest=-', 'a folder cannot go to standard output'],
    ['type=oci,tar=false,dest=-', 'a folder cannot go to standard output'],
    ['type=local,dest=x,mode=delete', 'mode=delete is not implemented'],
  ])('is refused: %s', (value, message) => {
    expect(() => parse(value)).toThrow(message)
  })

  it('does not write an archive to a terminal', () => {
    for (const value of ['-', 'type=tar', 'type=oci', 'type=docker,dest=-']) {
      expect(() => parse(value, { isTerminal: true }), value).toThrow('standard output is a terminal')
    }
  })

  it('refuses every attribute that no type takes by its name', () => {
    for (const type of Object.keys(outputAttributes)) {
      expect(() => parse(`type=${type},dest=x,nothing-like-it=1`), type).toThrow(/nothing-like-it|"dest"/)
    }
  })
})

describe('outputs', () => {
  it('go to standard output one at most', () => {
    expect(() => parseOutputs(['-', 'type=oci'], around)).toThrow('two outputs cannot both go to standard output')
  })

  it('are pushed by --push: images that there are, else a new one', () => {
    const tags = ['r.io/a']
    expect(parseOutputs(['out'], { ...around, tags, push: true })).toMatchObject([
      { type: 'local' },
      { type: 'image', push: 'tag', names: ['r.io/a:latest'] },
    ])
    expect(parseOutputs(['type=image,compression=zstd'], { ...around, tags, push: true })).toMatchObject([
      { type: 'image', push: 'tag', form: { packing: { compression: { type: 'zstd' } } } },
    ])
    expect(() => parseOutputs([], { ...around, push: true })).toThrow('needs a name to push to')
  })
})
