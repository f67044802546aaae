import { describe, expect, it } from 'vitest'
import {
  listSetting,
  numberSetting,
  originsSetting,
  portSetting,
  SettingError,
  textSetting,
  urlSetting,
  wholeNumberSetting,
} from '../src/index.ts'

const bounds = { fallback: 5, min: 1, max: 10 }

describe('a setting that is not there, or empty', () => {
  it.each([{}, { NAME: '' }])('%j is the default', (env) => {
    expect(textSetting(env, 'NAME', 'a')).toBe('a')
    expect(numberSetting(env, 'NAME', bounds)).toBe(5)
    expect(portSetting(env, 'NAME', 9090)).toBe(9090)
    expect(urlSetting(env, 'NAME', 'https://a.test/b')).toBe('https://a.test/b')
    expect(originsSetting(env, 'NAME')).toEqual([])
    expect(listSetting(env, 'NAME')).toEqual([])
  })

  it.each([{}, { NAME: '' }])('%j may also be undefined', (env) => {
    const none = { ...bounds, fallback: undefined }
    const read = [wholeNumberSetting(env, 'NAME', none), portSetting(env, 'NAME', undefined)]
    const texts = [textSetting(env, 'NAME', undefined), urlSetting(env, 'NAME', undefined)]
    expect([...read, ...texts]).toEqual([undefined, undefined, undefined, undefined])
  })
})

describe('a setting that is right', () => {
  it('is taken, at its bounds too', () => {
    for (const n of [1, 2.5, 10]) expect(numberSetting({ NAME: String(n) }, 'NAME', bounds)).toBe(n)
    for (const n of [0, 65_535]) expect(portSetting({ NAME: String(n) }, 'NAME', 1)).toBe(n)
    expect(listSetting({ NAME: 'a, b,,c ' }, 'NAME')).toEqual(['a', 'b', 'c'])
    expect(originsSetting({ NAME: 'https://a.test, http://b.test:8080,' }, 'NAME')).toEqual([
      'https://a.test',
      'http://b.test:8080',
    ])
  })
})

describe('a setting that is wrong', () => {
  it.each([
    [() => numberSetting({ NAME: '0.9' }, 'NAME', bounds), 'NAME must be from 1 to 10, not "0.9".'],
    [() => numberSetting({ NAME: '11' }, 'NAME', bounds), 'NAME must be from 1 to 10, not "11".'],
    [() => numberSetting({ NAME: 'many' }, 'NAME', bounds), 'NAME must be from 1 to 10, not "many".'],
    [() => wholeNumberSetting({ NAME: '2.5' }, 'NAME', bounds), 'NAME must be a whole number from 1 to 10, not "2.5".'],
    [() => portSetting({ NAME: '65536' }, 'NAME', 1), 'NAME must be a port number, not "65536".'],
    // Gateway and payments read digits alone, and the issuer and the simulation whatever JavaScript takes for a number.
    [() => portSetting({ NAME: '0x50' }, 'NAME', 1), 'NAME must be a port number, not "0x50".'],
    [() => numberSetting({ NAME: '1e0' }, 'NAME', bounds), 'NAME must be from 1 to 10, not "1e0".'],
    [() => numberSetting({ NAME: ' 5' }, 'NAME', bounds), 'NAME must be from 1 to 10, not " 5".'],
    [() => wholeNumberSetting({ NAME: '1e1' }, 'NAME', bounds), 'NAME must be a whole number from 1 to 10, not "1e1".'],
    [() => wholeNumberSetting({ NAME: '5.0' }, 'NAME', bounds), 'NAME must be a whole number from 1 to 10, not "5.0".'],
    [() => urlSetting({ NAME: 'ftp://a.test' }, 'NAME', ''), 'NAME must be an http or https URL, not "ftp://a.test".'],
    [() => urlSetting({ NAME: 'a.test' }, 'NAME', ''), 'NAME must be an http or https URL, not "a.test".'],
    [
      () => originsSetting({ NAME: 'https://a.test/b' }, 'NAME'),
      'NAME must be origins such as https://localhost:9090, separated by commas, not "https://a.test/b".',
    ],
  ])('is told with its name and what would be right (%#)', (read, sentence) => {
    expect(read).toThrow(new SettingError(sentence))
  })
})
