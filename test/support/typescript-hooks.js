/** Module hooks for `run-typescript.js`. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export async function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL !== undefined) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true };
  }
  // The first file of a thread.
  if (specifier.startsWith('file:') && specifier.endsWith('.js') && !existsSync(new URL(specifier))) {
    const source = specifier.replace(/\.js$/, '.ts');
    if (existsSync(new URL(source))) return { url: source, format: 'module', shortCircuit: true };
  }
  if (specifier.endsWith('.ts')) return { ...(await next(specifier, context)), format: 'module' };
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { outputText } = ts.transpileModule(readFileSync(fileURLToPath(url), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  return { format: 'module', source: outputText, shortCircuit: true };
}
