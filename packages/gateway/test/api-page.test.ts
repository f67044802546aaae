/** `/docs`: the interface as a page to read. test/e2e/visits.page.test.ts opens it in a browser. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiPageHtml } from '../src/documents/api-page.ts'
import { type ApiDocument, apiReferenceHtml, defineGateway, openApiOf } from '../src/index.ts'
import { definition, testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const document = openApiOf(testGateway()) as ApiDocument
const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
const tokenForm = { path: '/identity/token', fields: { grant_type: 'for-the-asking' }, nameField: 'username' }

describe('the page of the interface', () => {
  it('has every operation once, and links to each', () => {
    const page = apiPageHtml(document, {})
    expect(operations.length).toBeGreaterThan(15)
    for (const { operationId } of operations) {
      expect(page.split(`id="${operationId}"`)).toHaveLength(2)
      expect(page).toContain(`href="#${operationId}"`)
    }
  })

  it('gets a token by the form of the issuer; without one, a token is pasted', () => {
    const page = apiPageHtml(document, { tokenForm })
    expect(page).toContain('<form id="get-token" method="post" action="/identity/token">')
    expect(page).toContain('<input type="hidden" name="grant_type" value="for-the-asking">')
    const without = apiPageHtml(document, {})
    expect(without).not.toContain('get-token')
    expect(without).toContain('<input id="token"')
  })

  it('shows what a definition says as text, never as HTML', () => {
    const hostile = '<img src=x onerror=alert(1)> "quoted" & `code`'
    const gateway = defineGateway({
      ...definition,
      title: hostile,
      description: hostile,
      routes: definition.routes.map((route) => ({ ...route, summary: hostile })),
    })
    const page = apiPageHtml(openApiOf(gateway) as ApiDocument, { tokenForm })
    expect(page).not.toContain('<img')
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt; &quot;quoted&quot; &amp; <code>code</code>')
  })

  it('has forms only where requests can be sent', () => {
    expect(apiReferenceHtml(document, { canBeTried: true }).match(/<form data-method/g)).toHaveLength(operations.length)
    expect(apiReferenceHtml(document, { canBeTried: false })).not.toContain('<form')
  })
})

describe('a gateway', () => {
  let surroundings: Surroundings
  let gateway: TestGateway
  beforeAll(async () => {
    const plain = testGateway()
    surroundings = await openSurroundings(plain)
    gateway = await openTestGateway(plain, surroundings, { tokenForm })
  })
  afterAll(async () => {
    await gateway.close()
    await surroundings.close()
  })

  it.each([
    ['/docs', 'text/html; charset=utf-8', '<form id="get-token"'],
    ['/docs.css', 'text/css; charset=utf-8', 'color-scheme: light dark'],
    ['/docs.js', 'text/javascript; charset=utf-8', "querySelector('#get-token')"],
  ])('serves %s without a token, and a browser runs no inline script', async (path, type, text) => {
    const answer = await gateway.http2.call(path)
    expect([answer.status, answer.headers['content-type']]).toEqual([200, type])
    expect(answer.text).toContain(text)
    expect(answer.headers['content-security-policy']).toContain("script-src 'self';")
    if (path === '/docs') expect(answer.text).not.toMatch(/<script(?! src="\/docs\.js" defer>)|style="|\son[a-z]+="/)
  })
})
