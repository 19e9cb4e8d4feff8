/** A pattern of statuses: one that matches none was meant as something else, such as `5xx`. */
import { InvalidValue } from '../errors.js';
import { compileRe2 } from '../re2.js';
import { type OptionValue, pattern } from './option-values.js';

const STATUSES = Array.from({ length: 900 }, (_, index) => String(100 + index));

export const statusPattern: OptionValue<string> = {
  ...pattern,
  parse: (given) => {
    const re2 = compileRe2(pattern.parse(given), 'u');
    if (STATUSES.some((status) => re2.test(status))) return given;
    throw new InvalidValue(`is RE2, and matches no status; give ${JSON.stringify(meantBy(given))}`);
  },
};

/** What stands for such a value in RE2: `5xx`, `500-599` and `>=500` are all `^5`. */
function meantBy(given: string): string {
  const range = /\b([1-5])\d\d\s*-\s*([1-5])\d\d\b/.exec(given);
  if (range !== null) return classes(Number(range[1]), Number(range[2]));
  const compared = /(<|>)=?\s*([1-5])(\d\d)/.exec(given);
  if (compared?.[1] === '>') return classes(Number(compared[2]), 5);
  if (compared !== null)
    return classes(1, Number(compared[2]) - (compared[3] === '00' && !given.includes('=') ? 1 : 0));
  const letters = [...given.matchAll(/\b([1-5])xx\b/gi)].map(([, first]) => first);
  if (letters.length > 0) return letters.length === 1 ? `^${letters[0]}` : `^[${letters.join('')}]`;
  const statuses = given.match(/\b[1-5]\d\d\b/g) ?? [];
  return statuses.length === 0 ? '^5' : `^(${statuses.join('|')})$`;
}

const classes = (first: number, last: number): string => (first >= last ? `^${first}` : `^[${first}-${last}]`);
