/**
 * Label selectors, as `kubectl --selector` takes them
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors):
 * `a=b,c!=d,e in (f, g),h notin (i),j,!k`.
 *
 * in: text · out: whether labels match all of it · pure
 */
export type Labels = Readonly<Record<string, string>>;

const KEY = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

/** @throws SyntaxError that says what is none */
export function labelSelector(text: string): (labels: Labels) => boolean {
  const requirements = splitTop(text).map(requirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

/** Where commas are not in parentheses. */
function splitTop(text: string): string[] {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.length === 1 && parts[0] === '' ? [] : parts;
}

function requirement(part: string): (labels: Labels) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((one) => checked(one.trim(), VALUE, part)));
    checked(key, KEY, part);
    if (operator === 'in') return (labels) => Object.hasOwn(labels, key) && values.has(labels[key] ?? '');
    return (labels) => !Object.hasOwn(labels, key) || !values.has(labels[key] ?? '');
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(part);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    checked(key, KEY, part);
    checked(value, VALUE, part);
    if (operator === '!=') return (labels) => !Object.hasOwn(labels, key) || labels[key] !== value;
    return (labels) => Object.hasOwn(labels, key) && labels[key] === value;
  }
  const isAbsent = part.startsWith('!');
  const key = checked(isAbsent ? part.slice(1).trim() : part, KEY, part);
  return (labels) => Object.hasOwn(labels, key) !== isAbsent;
}

function checked(text: string, shape: RegExp, part: string): string {
  if (!shape.test(text)) throw new SyntaxError(`${JSON.stringify(part)} is no requirement of labels`);
  return text;
}
