// Compiles the kernel a second time, to dist/kernel-direct/: without generators, for running where nobody explores.
//
// In src/kernel a function that can stop is a generator, so that an explorer can hold a task before each step. Creating a
// generator for every call is most of what a fault then costs. The same code without them, which this makes, differs in three
// places and no other:
//
//   function* f()              function f()
//   yield* f()                 f()
//   while (condition) yield;   while (condition) current.block();
//
// Anything else that has to do with generators is an error here.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const from = fileURLToPath(new URL("../dist/kernel/", import.meta.url));
const to = fileURLToPath(new URL("../dist/kernel-direct/", import.meta.url));

export function compileDirect() {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, filter: (file) => !/\.(d\.ts|map)$/.test(file) });
  let functions = 0;
  for (const file of readdirSync(to, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".js")) continue;
    const compiled = readFileSync(to + file, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
    const source = ts.createSourceFile(file, compiled, ts.ScriptTarget.ES2023, true);
    const { transformed } = ts.transform(source, [
      direct(() => {
        functions++;
      }),
    ]);
    writeFileSync(to + file, ts.createPrinter().printFile(/** @type {ts.SourceFile} */ (transformed[0])));
  }
  if (functions === 0) throw new Error("compile-direct: no generator was found in dist/kernel");
  return functions;
}

/** @type {(found: () => void) => ts.TransformerFactory<ts.Node>} */
const direct = (found) => (context) => (root) => {
  const { factory } = context;

  /** @param {ts.Node} node @returns {ts.Node} */
  function visit(node) {
    if (ts.isWhileStatement(node) && isBareYield(node.statement)) {
      if (!/\bcurrent\b/.test(node.expression.getText()))
        throw misplaced(node, "the task that waits is not `current`");
      const condition = /** @type {ts.Expression} */ (ts.visitNode(node.expression, visit));
      const block = factory.createPropertyAccessExpression(factory.createIdentifier("current"), "block");
      const call = factory.createCallExpression(block, undefined, []);
      return factory.createWhileStatement(condition, factory.createExpressionStatement(call));
    }
    if (ts.isYieldExpression(node)) {
      if (node.asteriskToken === undefined || node.expression === undefined) {
        throw misplaced(node, "a yield that is not the whole of a `while (condition) yield;`");
      }
      return factory.createParenthesizedExpression(
        /** @type {ts.Expression} */ (ts.visitNode(node.expression, visit)),
      );
    }
    const visited = ts.visitEachChild(node, visit, context);
    if (ts.isFunctionDeclaration(visited) && visited.asteriskToken !== undefined) {
      found();
      const { modifiers, name, typeParameters, parameters, type, body } = visited;
      return factory.updateFunctionDeclaration(
        visited,
        modifiers,
        undefined,
        name,
        typeParameters,
        parameters,
        type,
        body,
      );
    }
    if (ts.isMethodDeclaration(visited) && visited.asteriskToken !== undefined) {
      found();
      const { modifiers, name, questionToken, typeParameters, parameters, type, body } = visited;
      return factory.updateMethodDeclaration(
        visited,
        modifiers,
        undefined,
        name,
        questionToken,
        typeParameters,
        parameters,
        type,
        body,
      );
    }
    if (ts.isFunctionExpression(visited) && visited.asteriskToken !== undefined) {
      throw misplaced(node, "a generator that is neither a function declaration nor a method");
    }
    return visited;
  }

  return visit(root);
};

/** @param {ts.Statement} statement */
function isBareYield(statement) {
  return (
    ts.isExpressionStatement(statement) &&
    ts.isYieldExpression(statement.expression) &&
    statement.expression.expression === undefined
  );
}

/** @param {ts.Node} node @param {string} what */
function misplaced(node, what) {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return new Error(`compile-direct: ${source.fileName}:${line + 1}: ${what}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) compileDirect();
