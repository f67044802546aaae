import ts from 'typescript'
import { parse } from 'vue/compiler-sfc'

/**
 * Finds texts for people that do not go through `t`: texts between tags, in attributes that are shown or read out, and literals of the code
 * that look like a text: a word with a capital followed by a small letter, or several words.
 */
export function bareTexts(file: string, source: string): string[] {
  if (!file.endsWith('.vue')) return textsOfCode(source)
  const { descriptor } = parse(source, { filename: file })
  const script = descriptor.scriptSetup?.content ?? descriptor.script?.content ?? ''
  const { template } = descriptor
  return [...textsOfCode(script), ...(template?.ast?.children ?? []).flatMap((node) => textsOfNode(node as Node))]
}

/** The properties of a node of Vue's template that are used here (compiler-core, `NodeTypes`). */
type Node = {
  readonly type: number
  readonly content?: string | { readonly content?: string }
  readonly tag?: string
  readonly name?: string
  readonly value?: { readonly content: string }
  readonly exp?: { readonly content?: string; readonly loc?: { readonly source: string } }
  readonly props?: readonly Node[]
  readonly children?: readonly Node[]
}
const [element, text, , , interpolation, attribute, directive] = [1, 2, 3, 4, 5, 6, 7]

/** Attributes that a person sees or a screen reader reads; our components pass texts on under these names too. */
const shownAttributes =
  /^(label|title|placeholder|alt|description|what|hint|help|caption|summary|words|name|aria-(label|description|roledescription|valuetext)|.*-(label|title|text))$/

function textsOfNode(node: Node): string[] {
  if (node.type === text) return isText(String(node.content)) ? [String(node.content).trim()] : []
  if (node.type === interpolation) return textsOfExpression(node.content)
  // Code, and names of keys, are not translated.
  if (node.type !== element || node.tag === 'code') return []
  const props = (node.props ?? []).flatMap((prop) => {
    if (prop.type === directive) return textsOfExpression(prop.exp)
    const { name = '', value } = prop
    const isShown =
      prop.type === attribute && shownAttributes.test(name) && value !== undefined && isText(value.content)
    return isShown && looksWritten(value.content) ? [`${name}="${value.content}"`] : []
  })
  return [...props, ...(node.children ?? []).flatMap(textsOfNode)]
}

function textsOfExpression(expression: Node['exp'] | Node['content']): string[] {
  if (typeof expression !== 'object') return []
  const source = ('loc' in expression ? expression.loc?.source : undefined) ?? expression.content ?? ''
  return textsOfCode(`(${source})`)
}

function textsOfCode(source: string): string[] {
  const found: string[] = []
  const file = ts.createSourceFile('code.ts', source, ts.ScriptTarget.Latest, true)
  const visit = (node: ts.Node) => {
    if (isForProgrammers(node)) return
    if (ts.isStringLiteralLike(node) && looksWritten(node.text)) found.push(node.text)
    if (ts.isTemplateExpression(node)) {
      const parts = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]
      if (parts.some(looksWritten)) found.push(node.getText())
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** Imports, types, errors that only a programmer sees, and literals that are compared or looked up. */
function isForProgrammers(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return true
  if (ts.isThrowStatement(node)) return true
  return ts.isNewExpression(node) && /Error$/.test(node.expression.getText())
}

function isText(content: string): boolean {
  return /\p{L}{2}/u.test(content.replaceAll(/StreamPay|USD|Kafka|kcat/g, ''))
}

/** `Try again`, `Home`, `just now`; not `i-lucide-house`, `click`, `PATCH`, or class names. */
function looksWritten(content: string): boolean {
  if (!isText(content) || /^(https?:|\/|#|\.)/.test(content)) return false
  if (/[’“”…]/u.test(content)) return true
  if (/^[A-Z][a-z]+$/.test(content.trim())) return true
  return /^\s*[A-Z]?[a-z]+[,:]? ([a-z]+|[A-Z][a-z]*)\b/.test(content) && !/[-[\]():/_]\S|\d/.test(content)
}
