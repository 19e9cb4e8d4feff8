/** Module hooks for `list-modules.js`, which sees what is required; what is imported passes here. */
import { appendFileSync } from 'node:fs';

let list;

export function initialize(data) {
  list = data;
}

export function load(url, context, next) {
  appendFileSync(list, `${url}\n`);
  return next(url, context);
}
