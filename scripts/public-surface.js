// What others may import of the packages: all that the entry points in `exports` of each package.json lead to, with the words and
// the examples of each. Read by scripts/exports.js, and by the test that runs the examples.
import { join, relative } from 'node:path'
import ts from 'typescript'
import { entryPoints } from './repository.js'

/** Every export of every entry point of the repository in this folder, in the order of the packages. */
export function publicSurface(root) {
  const entries = entryPoints(root).map(({ entry, file }) => ({ entry, file: join(root, file) }))
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const placeOf = (node) => placeIn(node, root)
  const files = entries.map(({ file }) => file)
  const program = ts.createProgram(files, options)
  const checker = program.getTypeChecker()
  return entries.flatMap(({ entry, file }) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file))
    // A file that is run, and not imported from, has none.
    const symbols = module === undefined ? [] : checker.getExportsOfModule(module)
    return symbols.map((symbol) => ({ entry, ...described(symbol, checker, placeOf) }))
  })
}

function described(exported, checker, placeOf) {
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0
  const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported
  const { declarations } = symbol
  return {
    name: exported.name,
    place: placeOf(declarations[0]),
    isDocumented: isDocumented(symbol, checker),
    members: declarations.flatMap(membersOf).map((member) => ({
      name: member.name.getText(),
      place: placeOf(member),
      isDocumented: isDocumented(member.symbol, checker),
    })),
    examples: declarations.flatMap((declaration) => examplesOf(declaration, placeOf)),
  }
}

/** Whether it has words of its own, beside tags such as `@throws`. */
function isDocumented(symbol, checker) {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== ''
}

/** What can be reached by its name on a value of the type; of a union, that of each side. A kind (`'view'`) says all by itself. */
function membersOf(node) {
  if (ts.isTypeAliasDeclaration(node)) return membersOf(node.type)
  if (ts.isIntersectionTypeNode(node) || ts.isUnionTypeNode(node)) return node.types.flatMap(membersOf)
  if (ts.isParenthesizedTypeNode(node)) return membersOf(node.type)
  if (!ts.isTypeLiteralNode(node) && !ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node)) return []
  return node.members.filter(({ name, type, modifiers = [] }) => {
    const isInherited = modifiers.some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword)
    const isKind = type !== undefined && ts.isLiteralTypeNode(type)
    return name !== undefined && !ts.isPrivateIdentifier(name) && !isInherited && !isKind
  })
}

/** The code of each `@example`, between its fences. */
function examplesOf(declaration, placeOf) {
  // What documents a variable stands before its statement.
  const tags = ts.getJSDocTags(declaration).filter(({ tagName }) => tagName.text === 'example')
  return tags.map((tag) => {
    const source = tag.getSourceFile()
    const text = source.text.slice(tag.pos, tag.end).replaceAll(/^ *\* ?/gm, '')
    const code = /^```ts\n(.*?)^```/ms.exec(text)?.[1]
    return { place: placeOf(tag), code }
  })
}

function placeIn(node, root) {
  const source = node.getSourceFile()
  const { line } = source.getLineAndCharacterOfPosition(node.getStart())
  return `${relative(root, source.fileName)}:${line + 1}`
}
