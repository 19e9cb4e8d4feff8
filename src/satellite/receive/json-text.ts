/**
 * JSON of strangers, looked at before it is parsed and written without recursion: nesting costs no stack.
 *
 * in: JSON text; values that `JSON.parse` gave · out: how much it holds; JSON text
 */

const [QUOTE, BACKSLASH, COMMA, OPEN_ARRAY, OPEN_OBJECT] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];

/**
 * How many arrays, objects and members a text has, about what a parser makes of it. One pass over its bytes; what it says of
 * a text that is not JSON does not matter.
 */
export function countJsonValues(text: Uint8Array): number {
  let values = 1;
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case QUOTE:
        for (i++; i < text.length && text[i] !== QUOTE; i++) if (text[i] === BACKSLASH) i++;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
      case COMMA:
        values++;
    }
  }
  return values;
}

interface Open {
  readonly close: string;
  /** Null for an array. */
  readonly keys: readonly string[] | null;
  readonly members: readonly unknown[];
  next: number;
}

/** As `JSON.stringify`, which would end with a RangeError where arrays and objects are nested some thousand deep. */
export function jsonText(value: unknown): string {
  let text = '';
  const open: Open[] = [];
  const begin = (one: unknown): void => {
    if (Array.isArray(one)) {
      text += '[';
      open.push({ close: ']', keys: null, members: one, next: 0 });
    } else if (typeof one === 'object' && one !== null) {
      text += '{';
      open.push({ close: '}', keys: Object.keys(one), members: Object.values(one), next: 0 });
    } else {
      text += JSON.stringify(one) ?? 'null';
    }
  };
  begin(value);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (top.next === top.members.length) {
      text += top.close;
      open.pop();
      continue;
    }
    if (top.next > 0) text += ',';
    if (top.keys !== null) text += `${JSON.stringify(top.keys[top.next])}:`;
    begin(top.members[top.next++]);
  }
  return text;
}
