/**
 * The shape the source has to keep: which room may import which, how long a function may be, how many parameters it may
 * take, and that no state hides at the top of a file.
 *
 *     node scripts/structure.js            prints what breaks a rule; exits 1 if anything does
 *     node scripts/structure.js --report   prints the figures too: longest functions, longest parameter lists, module state
 *
 * `test/structure.test.ts` holds the same rules. An exception that is not needed any more is itself a breach, so the
 * lists below can only shrink.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..');

/** The rooms of `src/` in the order the data flows. A room imports only rooms above it, and the leaves. */
export const ROOMS = {
  capture: { isPure: false },
  decode: { isPure: true },
  flow: { isPure: true },
  http: { isPure: true },
  pair: { isPure: true },
  policy: { isPure: true },
  trace: { isPure: true },
  redact: { isPure: true },
  enrolment: { isPure: true },
  output: { isPure: false },
  packets: { isPure: false },
  respond: { isPure: false },
  satellite: { isPure: false },
  options: { isPure: false },
  task: { isPure: false },
  deploy: { isPure: false },
  sensor: { isPure: false },
  cli: { isPure: false },
};

/** Files in `src/` itself: every room may import them, they import only each other. */
const LEAVES = [
  'bounded-server',
  'buffer.d',
  'columns',
  'counters',
  'debug-log',
  'errors',
  'host-check',
  'lazy',
  'limits',
  'log',
  'memory-budget',
  'printable',
  're2',
  'version',
];

/** What a pure room may not import: modules that do I/O or have a clock. Matched from the start of the specifier. */
const IMPURE =
  /^(node:(fs|net|http|https|http2|tls|dns|os|child_process|worker_threads|timers|perf_hooks)\b|.*\/log\.js$)/;

export const FUNCTION_LINES_MAX = 100;
export const PARAMETERS_MAX = 5;

/** `path:function`. To be emptied. */
export const EXCEPTIONS = {
  longFunctions: [],
  longParameterLists: [],
  moduleState: [],
};

/**
 * @typedef {{ path: string, line: number, name: string, lines: number, parameters: number }} FunctionFigure
 * @typedef {{ path: string, line: number, name: string }} StateFigure
 * @returns {{ functions: FunctionFigure[], state: StateFigure[], imports: string[] }} `imports`: the breaches, in words
 */
export function measure(root = ROOT) {
  const functions = [];
  const state = [];
  const imports = [];
  for (const path of sourceFiles(root)) {
    const file = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest, true);
    imports.push(...importBreaches(path, file));
    for (const statement of file.statements) {
      if (!ts.isVariableStatement(statement) || statement.declarationList.flags & ts.NodeFlags.Const) continue;
      for (const declaration of statement.declarationList.declarations) {
        state.push({ path, line: lineOf(file, declaration), name: declaration.name.getText(file) });
      }
    }
    visitFunctions(file, (node, name) => {
      const line = lineOf(file, node);
      const last = file.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
      functions.push({ path, line, name, lines: last - line + 1, parameters: node.parameters.length });
    });
  }
  return { functions, state, imports };
}

/** Every breach of the rules under `root`, one line each. */
export function breaches(root = ROOT, exceptions = EXCEPTIONS) {
  const { functions, state, imports } = measure(root);
  const long = functions.filter(({ lines }) => lines > FUNCTION_LINES_MAX);
  const wide = functions.filter(({ parameters }) => parameters > PARAMETERS_MAX);
  return [
    ...imports,
    ...held(long, exceptions.longFunctions, ({ lines }) => `has ${lines} lines, over ${FUNCTION_LINES_MAX}`),
    ...held(
      wide,
      exceptions.longParameterLists,
      ({ parameters }) => `takes ${parameters} parameters, over ${PARAMETERS_MAX}`,
    ),
    ...held(state, exceptions.moduleState, () => 'is state of a module: give it to an instance'),
  ];
}

/** A line for each of `found` that is not excepted, and for each exception that nothing needs. */
function held(found, exceptions, say) {
  const keys = new Set(found.map(({ path, name }) => `${path}:${name}`));
  return [
    ...found
      .filter(({ path, name }) => !exceptions.includes(`${path}:${name}`))
      .map((figure) => `${figure.path}:${figure.line}: ${figure.name} ${say(figure)}`),
    ...exceptions
      .filter((key) => !keys.has(key))
      .map((key) => `${key} is excepted and need not be: take it off the list`),
  ];
}

function importBreaches(path, file) {
  const room = roomOf(path);
  const order = Object.keys(ROOMS);
  if (room === null) {
    if (!LEAVES.includes(basename(path, '.ts')))
      return [`${path}: is neither in a room nor a leaf; see scripts/structure.js`];
  } else if (!order.includes(room)) {
    return [`${path}: the room ${room}/ is unknown; give it a row in scripts/structure.js and in docs/architecture.md`];
  }
  return specifiers(file).flatMap((specifier) => {
    if (!specifier.startsWith('.')) {
      return room !== null && ROOMS[room].isPure && IMPURE.test(specifier)
        ? [`${path}: imports ${specifier}; ${room}/ does no I/O and reads no clock`]
        : [];
    }
    const target = join(dirname(path), specifier);
    const there = roomOf(target);
    if (there === null) {
      return room !== null && ROOMS[room].isPure && IMPURE.test(`./${basename(target)}`.replace(/^\.\//, '/'))
        ? [`${path}: imports ${target}; ${room}/ does not log`]
        : [];
    }
    if (room === null) return [`${path}: imports ${target}; a leaf imports no room`];
    return order.indexOf(there) > order.indexOf(room)
      ? [`${path}: imports ${target}; ${room}/ comes before ${there}/`]
      : [];
  });
}

/** The room of a path below `src/`, or null for a file in `src/` itself. */
function roomOf(path) {
  const [, room, rest] = path.split('/');
  return rest === undefined ? null : room;
}

/** The specifiers of imports, exports, dynamic imports and types' imports. */
function specifiers(file) {
  const found = [];
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      found.push(node.moduleSpecifier.text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      if (ts.isStringLiteralLike(node.arguments[0])) found.push(node.arguments[0].text);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      found.push(node.argument.literal.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function visitFunctions(file, found) {
  const visit = (node) => {
    if (isFunction(node) && node.body !== undefined) found(node, nameOf(node, file));
    ts.forEachChild(node, visit);
  };
  visit(file);
}

function isFunction(node) {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isAccessor(node)
  );
}

function nameOf(node, file) {
  if (ts.isConstructorDeclaration(node)) return `${node.parent.name?.text ?? 'class'}.constructor`;
  const name = (node.name ?? node.parent.name)?.getText(file) ?? 'a function without a name';
  const owner = ts.isClassLike(node.parent) ? `${node.parent.name?.text ?? 'class'}.` : '';
  return `${owner}${name}`;
}

function lineOf(file, node) {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

/** Paths below `root`, which begin with `src/`. */
function sourceFiles(root) {
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function report() {
  const { functions, state } = measure();
  const by = (key, over) => functions.filter((f) => f[key] > over).sort((a, b) => b[key] - a[key]);
  const print = (line) => process.stdout.write(`${line}\n`);
  print(`${functions.length} functions, ${state.length} variables at the top of a file`);
  for (const f of by('lines', FUNCTION_LINES_MAX)) print(`  ${f.lines} lines  ${f.path}:${f.line} ${f.name}`);
  for (const f of by('parameters', PARAMETERS_MAX))
    print(`  ${f.parameters} parameters  ${f.path}:${f.line} ${f.name}`);
  for (const s of state) print(`  module state  ${s.path}:${s.line} ${s.name}`);
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--report')) report();
  const found = breaches();
  for (const breach of found) process.stdout.write(`${breach}\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
