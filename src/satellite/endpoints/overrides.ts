/**
 * The path templates that a person knows: `templates.yaml`.
 *
 *     templates:
 *       - /articles/feed          this word is none of the values below
 *       - /articles/{slug}        and every other word here is one
 *
 * in: the text of the file · out: templates; a file that is not so is refused, in words
 */
import { parse } from 'yaml';
import { reasonOf, UsageError } from '../../errors.js';

const TEMPLATES_MAX = 10_000;

export function parseOverrides(text: string, file: string): string[] {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not YAML: ${reasonOf(error)}; write templates: and, below it, - /users/{name}`);
  }
  return overridesOf(value, file);
}

/** @throws UsageError where `value` is no list of templates, or has none in `templates` */
export function overridesOf(value: unknown, file: string): string[] {
  const list = Array.isArray(value) ? value : (value as { templates?: unknown } | null)?.templates;
  if (!Array.isArray(list))
    throw new UsageError(`${file} has no list of templates; write templates: and, below it, - /users/{name}`);
  if (list.length > TEMPLATES_MAX)
    throw new UsageError(`${file} has ${list.length} templates; it may have ${TEMPLATES_MAX}`);
  return list.map((one: unknown) => {
    if (typeof one !== 'string' || !/^\/[^?#\s]*$/.test(one) || !hasWholeParameters(one))
      throw new UsageError(`${file}: ${JSON.stringify(one)} is no template; write a path such as /users/{name}/posts`);
    return one;
  });
}

const hasWholeParameters = (template: string): boolean =>
  template.split('/').every((segment) => /^[^{}]*$|^\{[A-Za-z_][\w-]*\}[^{}]*$/.test(segment));
