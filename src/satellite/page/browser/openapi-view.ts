/** The OpenAPI document that the traces make, with how often each claim was seen. */
import { ask, type Unanswered } from './ask.js';
import type { PageEvent } from './dom.js';
import { prettyJson } from './pretty.js';
import { html, type Node, useEffect, useState } from './vendor/preact.js';
import { count } from './words.js';

interface Schema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly $ref?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-observed'?: unknown;
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: Schema;
    readonly 'x-observed'?: unknown;
  }[];
  readonly requestBody?: {
    readonly content?: Readonly<Record<string, { readonly schema?: Schema; readonly 'x-observed'?: unknown }>>;
  };
  readonly responses?: Readonly<
    Record<
      string,
      {
        readonly content?: Readonly<Record<string, { readonly schema?: Schema; readonly 'x-observed'?: unknown }>>;
        readonly 'x-observed'?: unknown;
      }
    >
  >;
  readonly 'x-observed'?: unknown;
}

interface Document {
  readonly info: { readonly title: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

export function OpenApiView({ onFailure }: { onFailure(error: Unanswered): void }): Node {
  const [document, setDocument] = useState<Document | null>(null);
  const [hosts, setHosts] = useState<readonly string[]>([]);
  const [host, setHost] = useState('');
  useEffect(() => {
    ask<{ host: string }[]>('endpoints').then((rows) => setHosts([...new Set(rows.map((row) => row.host))]), onFailure);
  }, []);
  useEffect(() => {
    ask<Document>('endpoints/openapi.json', { host: host === '' ? null : host }).then(setDocument, onFailure);
  }, [host]);
  if (document === null) return html`<main class="sensors"><p class="nothing">…</p></main>`;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) =>
      item[method] === undefined ? [] : [[path, method, item[method] as Operation] as const],
    ),
  );
  const query = host === '' ? '' : `?host=${encodeURIComponent(host)}`;
  return html`<main class="sensors">
    <div class="bar">
      <h2>${document.info.title}: ${count(operations.length)} operations</h2>
      <label>host <select onChange=${(event: PageEvent) => setHost(event.target.value)}><option value="">all</option>${hosts.map((one) => html`<option value=${one} selected=${one === host}>${one}</option>`)}</select></label>
      <a href=${`/api/endpoints/openapi.json${query}`} download="openapi.json">openapi.json</a>
    </div>
    <p class="soft">What is described was seen, as often as it says; what was not seen is not here.</p>
    ${operations.map(
      ([path, method, operation]) => html`<details key=${`${method} ${path}`} class="operation">
      <summary><b class="method">${method.toUpperCase()}</b> <code>${path}</code> <span class="soft">${seen(operation['x-observed'])}</span></summary>
      ${drawOperation(operation)}
    </details>`,
    )}
    ${document.components?.schemas !== undefined && html`<h2>Shared shapes</h2>${Object.entries(document.components.schemas).map(([name, schema]) => html`<details key=${name}><summary><code>${name}</code></summary>${drawShape(schema)}</details>`)}`}
  </main>`;
}

function drawOperation({ parameters = [], requestBody, responses = {} }: Operation): Node {
  return html`<table class="wide">
    <thead><tr>${['Where', 'Name', 'Required', 'Shape', 'Seen'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>
      ${parameters.map((one) => html`<tr><td>${one.in}</td><th scope="row"><code>${one.name}</code></th><td>${one.required === true ? 'yes' : 'no'}</td><td>${shapeOf(one.schema)}</td><td>${seen(one['x-observed'])}</td></tr>`)}
      ${Object.entries(requestBody?.content ?? {}).map(([type, media]) => html`<tr><td>request</td><th scope="row">${type}</th><td></td><td>${drawShape(media.schema)}</td><td>${seen(media['x-observed'])}</td></tr>`)}
      ${Object.entries(responses).map(([status, response]) => {
        const media = Object.entries(response.content ?? {});
        if (media.length === 0)
          return html`<tr><td>${status}</td><th scope="row">no body</th><td></td><td></td><td>${seen(response['x-observed'])}</td></tr>`;
        return media.map(
          ([type, one]) =>
            html`<tr><td>${status}</td><th scope="row">${type}</th><td></td><td>${drawShape(one.schema)}</td><td>${seen(one['x-observed'] ?? response['x-observed'])}</td></tr>`,
        );
      })}
    </tbody>
  </table>`;
}

function drawShape(schema: Schema | undefined): Node {
  if (schema === undefined) return '';
  if (schema.properties === undefined && schema.items?.properties === undefined && schema.oneOf === undefined)
    return shapeOf(schema);
  return html`<details><summary>${shapeOf(schema)}</summary><pre tabindex="0" role="region" aria-label="schema">${prettyJson(JSON.stringify(schema))}</pre></details>`;
}

/** A shape in a line. */
function shapeOf(schema: Schema | undefined): string {
  if (schema === undefined) return '';
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if (schema.oneOf !== undefined) return schema.oneOf.map(shapeOf).join(' or ');
  if (schema.items !== undefined) return `list of ${shapeOf(schema.items)}`;
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const type = [schema.type ?? 'anything'].flat().join(' or ');
  if (schema.properties !== undefined)
    return `{ ${Object.keys(schema.properties).slice(0, 8).join(', ')}${Object.keys(schema.properties).length > 8 ? ', …' : ''} }`;
  return schema.format === undefined ? type : `${type} (${schema.format})`;
}

function seen(observed: unknown): string {
  if (typeof observed === 'number') return observed === 1 ? 'seen once' : `seen ${count(observed)} times`;
  if (typeof observed !== 'object' || observed === null) return '';
  const many =
    (observed as { count?: unknown; exchanges?: unknown }).count ?? (observed as { exchanges?: unknown }).exchanges;
  return typeof many === 'number' ? seen(many) : '';
}
