/** The box that takes a filter: completes fields and values, and says in words what is wrong. */
import type { Fields } from './ask.js';
import type { PageElement, PageEvent } from './dom.js';
import { html, type Node, useEffect, useRef, useState } from './vendor/preact.js';

interface Given {
  readonly filter: string;
  readonly fields: Fields | null;
  /** What is wrong with the filter that was applied, and where. */
  readonly wrong: { readonly message: string; readonly at: number | null } | null;
  apply(filter: string): void;
}

interface Offer {
  readonly text: string;
  readonly help: string;
}

const OFFERS_MAX = 12;

export function FilterBox({ filter, fields, wrong, apply }: Given): Node {
  const [text, setText] = useState(filter);
  const [offers, setOffers] = useState<readonly Offer[]>([]);
  const [chosen, setChosen] = useState(-1);
  const input = useRef<PageElement | null>(null);
  useEffect(() => {
    setText(filter);
  }, [filter]);

  const offer = (value: string, caret: number): void => {
    setOffers(fields === null ? [] : offersFor(value.slice(0, caret), fields));
    setChosen(-1);
  };
  const take = ({ text: taken }: Offer): void => {
    const caret = input.current?.selectionStart ?? text.length;
    const start = wordStart(text.slice(0, caret));
    const whole = text.slice(0, start) + taken + text.slice(caret);
    setText(whole);
    setOffers([]);
    input.current?.focus();
  };
  const onKeyDown = (event: PageEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const at = offers[chosen];
    if (step !== 0 && offers.length > 0) setChosen((chosen + step + offers.length) % offers.length);
    else if ((event.key === 'Enter' || event.key === 'Tab') && at !== undefined) take(at);
    else if (event.key === 'Enter') {
      setOffers([]);
      apply(text);
    } else if (event.key === 'Escape') {
      if (offers.length > 0) setOffers([]);
      else input.current?.blur();
    } else return;
    if (event.key !== 'Escape') event.preventDefault();
  };
  return html`<form class="filter" role="search" onSubmit=${(event: PageEvent) => event.preventDefault()}>
    <div class="box">
      <input
        id="filter"
        ref=${input}
        type="text"
        role="combobox"
        aria-label="Filter"
        aria-expanded=${offers.length > 0 ? 'true' : 'false'}
        aria-controls="offers"
        aria-autocomplete="list"
        aria-activedescendant=${chosen >= 0 ? `offer-${chosen}` : null}
        aria-invalid=${wrong !== null ? 'true' : 'false'}
        aria-describedby="filter-wrong"
        autocomplete="off"
        spellcheck=${false}
        maxlength="2000"
        placeholder='status>=500 path:^/cart duration>200ms body:"out of stock"'
        value=${text}
        onInput=${(event: PageEvent) => {
          setText(event.target.value);
          offer(event.target.value, event.target.selectionStart ?? 0);
        }}
        onFocus=${() => offer(text, text.length)}
        onBlur=${() => setOffers([])}
        onKeyDown=${onKeyDown}
      />
      <ul id="offers" role="listbox" aria-label="Completions" hidden=${offers.length === 0}>
        ${offers.map(
          (one, index) => html`<li
            id=${`offer-${index}`}
            role="option"
            aria-selected=${index === chosen ? 'true' : 'false'}
            onMouseDown=${(event: PageEvent) => {
              event.preventDefault();
              take(one);
            }}
          ><code>${one.text}</code> <span>${one.help}</span></li>`,
        )}
      </ul>
    </div>
    <button type="button" onClick=${() => apply(text)}>Filter</button>
    ${filter !== '' && html`<button type="button" onClick=${() => apply('')}>Clear</button>`}
    <p id="filter-wrong" class="wrong" role="alert">
      ${wrong !== null && html`${wrong.message}${wrong.at !== null && filter !== '' && html` <code>${filter.slice(0, wrong.at)}<mark>${filter.slice(wrong.at) || ' '}</mark></code>`}`}
    </p>
  </form>`;
}

/** Where the word begins that is being typed. */
function wordStart(text: string): number {
  const match = /[^\s(|]*$/.exec(text);
  const at = match?.index ?? text.length;
  return text[at] === '-' ? at + 1 : at;
}

/** What the word could become. */
function offersFor(before: string, { fields, values, marks }: Fields): Offer[] {
  const word = before.slice(wordStart(before));
  const [, name = '', operator = '', value = ''] = /^([a-z]+)(:|=|!=)(.*)$/.exec(word) ?? [];
  if (name === '') {
    return fields
      .filter((field) => field.name.startsWith(word.toLowerCase()))
      .slice(0, OFFERS_MAX)
      .map((field) => ({
        text: `${field.name}${/^(?:number|duration|size|time)$/.test(field.type) ? '>' : ':'}`,
        help: `${field.help}: ${field.example}`,
      }));
  }
  const known: Readonly<Record<string, readonly Offer[]>> = {
    method: offersOf(values.methods),
    host: offersOf(values.hosts),
    service: offersOf(values.services),
    env: offersOf(values.environments),
    mark: [{ name: 'any', help: 'any of them' }, { name: 'none', help: 'none of them' }, ...marks].map((mark) => ({
      text: mark.name,
      help: mark.help,
    })),
    status: offersOf(['2xx', '3xx', '4xx', '5xx', 'none']),
    kind: offersOf(['server', 'client']),
  };
  return (known[name] ?? [])
    .filter(({ text }) => text.toLowerCase().startsWith(value.toLowerCase()))
    .slice(0, OFFERS_MAX)
    .map(({ text, help }) => ({ text: `${name}${operator}${quotedIfNeeded(text)} `, help }));
}

const offersOf = (values: readonly string[]): Offer[] => values.map((text) => ({ text, help: '' }));
const quotedIfNeeded = (text: string): string => (/[\s"(),|]/.test(text) ? JSON.stringify(text) : text);
