/** `--format`: docker's own examples, and Go's rules where templates are easily read otherwise. */
import { describe, expect, it } from 'vitest'
import { formatObjects } from '../../src/cli/format.ts'

describe('rows', () => {
  const objects = [{ A: 'x', B: { C: [1] } }, { A: 'longer' }]
  it.each([
    ['json', '{"A":"x","B":{"C":[1]}}\n{"A":"longer"}\n'],
    ['{{.A}}!', 'x!\nlonger!\n'],
    ['{{json .B.C}} {{ .A }}', '[1] x\nnull longer\n'],
    ['{{.B.C}}', '[1]\n<no value>\n'],
    ['table {{.A}}\\t{{.A}}', 'A         A\nx         x\nlonger    longer\n'],
    ['table {{upper .A}}', 'A\nX\nLONGER\n'],
  ])('%s', (format, text) => {
    expect(formatObjects(objects, format)).toBe(text)
  })

  it('have the headings of their command, and no other fields', () => {
    expect(formatObjects([{ ID: 'x' }], 'table {{.ID}}', { ID: 'IMAGE ID' })).toBe('IMAGE ID\nx\n')
    expect(() => formatObjects([{ ID: 'x' }], '{{.Id}}', { ID: 'IMAGE ID' })).toThrow('the field Id')
  })
})

describe('templates', () => {
  const container = {
    Name: '/web',
    Config: { Image: 'nginx', Env: ['A=1', 'B=2'], Labels: { z: 'last', a: 'first' } },
    Size: 3,
    Empty: [],
    NetworkSettings: {
      Networks: { bridge: { IPAddress: '10.0.0.2' }, other: { IPAddress: '10.0.1.2' } },
      Ports: { '443/tcp': null, '8787/tcp': [{ HostIp: '0.0.0.0', HostPort: '80' }] },
    },
  }
  it.each([
    ['{{.Config.Image}}', 'nginx'],
    ['{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', '10.0.0.210.0.1.2'],
    [
      '{{range $p, $conf := .NetworkSettings.Ports}} {{$p}} -> {{with $conf}}{{(index . 0).HostPort}}{{else}}none{{end}} {{end}}',
      ' 443/tcp -> none  8787/tcp -> 80 ',
    ],
    ['{{(index (index .NetworkSettings.Ports "8787/tcp") 0).HostPort}}', '80'],
    ['{{json .Config.Env}}', '["A=1","B=2"]'],
    ['{{.Config.Labels}}', 'map[a:first z:last]'],
    ['{{index .Config.Labels "z"}}', 'last'],
    ['{{join .Config.Env ", "}}', 'A=1, B=2'],
    ['{{range .Config.Env}}{{println .}}{{end}}', 'A=1\nB=2\n'],
    ['{{range $i, $e := .Config.Env}}{{$i}}:{{$e}};{{end}}', '0:A=1;1:B=2;'],
    ['{{range .Empty}}x{{else}}none{{end}}', 'none'],
    ['{{range .Config.Env}}{{if eq . "B=2"}}{{break}}{{end}}{{.}}{{end}}', 'A=1'],
    ['{{if .Empty}}a{{else if gt .Size 2}}b{{else}}c{{end}}', 'b'],
    ['{{with .Missing}}a{{else}}{{$.Name}}{{end}}', '/web'],
    ['{{.Name | upper | printf "%-6s|"}}', '/WEB  |'],
    ['{{printf "%05d %q %.2f%%" .Size .Name 1.5}}', '00003 "/web" 1.50%'],
    ['{{slice .Name 1}} {{len .Config.Env}} {{truncate "abcdef" 3}}', 'web 2 abc'],
    ['{{split "a:b" ":"}} {{title "two words"}} {{pad "x" 1 2}}', '[a b] Two Words  x  '],
    ['{{$n := .Name}}{{with .Config}}{{$n}} {{.Image}}{{end}}', '/web nginx'],
    ['a  {{- /* nothing */ -}}  b {{- " c" }}', 'ab c'],
    ['{{and .Name .Size}} {{or .Empty "x"}} {{not .Empty}} {{ne 1 2}}', '3 x true true'],
    ['{{ .Missing }} {{ .Missing.Deeper }}', '<no value> <no value>'],
  ])('%s', (template, text) => {
    expect(formatObjects([container], template)).toBe(`${text}\n`)
  })

  it.each([
    ['{{range .A}}', 'end}} is missing'],
    ['{{.A', '}} is missing'],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{nothing .A}}', 'no function "nothing"'],
    ['{{define "x"}}{{end}}', 'define}} is not supported'],
    ['{{index .Config.Env 7}}', 'out of range'],
    ['{{.A | }}', 'a command is missing'],
    ['{{"a}}', 'unexpected'],
    ['{{len}}', 'does not take 0 arguments'],
  ])('refuse %s', (template, why) => {
    expect(() => formatObjects([container], template)).toThrow(why)
  })
})
