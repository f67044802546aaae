/** The HTTP interface, from the OpenAPI document that a gateway serves: the same reference as its `/docs`, without forms. */
import { type ApiDocument, apiReferenceHtml, openApiOf } from '@streampay/gateway'
import { streampayGateway } from '../../../../apps/api/src/index.ts'
import { type Document, documentOf } from '../documents.ts'
import { htmlBlock } from './markdown.ts'

export function httpApiPage(): Document {
  const document = openApiOf(streampayGateway()) as ApiDocument
  const text = [
    '# HTTP API',
    `Every operation of the interface, with what it takes and answers. ${document.info.description}`,
    'A gateway shows the same at `/docs`, where each operation can be tried, and as OpenAPI at `/openapi.json`. Headers, streams and bounds are explained in [the gateway’s protocol](/packages/gateway/).',
    htmlBlock(withAnchors(apiReferenceHtml(document, { canBeTried: false }))),
  ]
  return documentOf('reference/http-api.md', text.join('\n\n'))
}

/** As VitePress has them: the search finds what stands below a heading with one. */
function withAnchors(html: string): string {
  return html.replaceAll(
    /<(h[23]) id="([^"]+)">(.*?)<\/\1>/g,
    '<$1 id="$2" tabindex="-1">$3 <a class="header-anchor" href="#$2" aria-label="Permalink">&ZeroWidthSpace;</a></$1>',
  )
}
