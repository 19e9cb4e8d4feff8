/**
 * What can be filtered by: a row for each field, from which the language, its completion and its documentation come.
 */

export interface Field {
  readonly name: string;
  /**
   * `number` compares; `text` is found within, `^` at its beginning, `$` at its end, `*` for anything between, `=` as a whole; `word` is the whole, whatever its
   * case; `mark` is one of a list; `body` is found by words; `anywhere` is what has no field; `time` is a date or an age.
   */
  readonly type:
    | 'number'
    | 'duration'
    | 'size'
    | 'status'
    | 'time'
    | 'text'
    | 'word'
    | 'mark'
    | 'body'
    | 'id'
    | 'anywhere';
  /** The column of the table of traces. */
  readonly column?: string;
  readonly example: string;
  readonly help: string;
}

const ROWS: readonly Field[] = [
  { name: 'status', type: 'status', column: 'status', example: 'status>=500', help: 'status code; 5xx; none' },
  { name: 'method', type: 'word', column: 'method', example: 'method:POST', help: 'request method' },
  { name: 'host', type: 'text', column: 'host', example: 'host:shop.example', help: 'host and port asked for' },
  { name: 'path', type: 'text', column: 'path', example: 'path:^/orders', help: 'path, without the query' },
  { name: 'query', type: 'text', column: 'query', example: 'query:page=', help: 'what follows the question mark' },
  { name: 'duration', type: 'duration', column: 'duration', example: 'duration>200ms', help: 'first byte to last' },
  { name: 'size', type: 'size', column: 'response_bytes', example: 'size>1MB', help: "bytes of the response's body" },
  { name: 'sent', type: 'size', column: 'request_bytes', example: 'sent>64KiB', help: "bytes of the request's body" },
  { name: 'type', type: 'text', column: 'content_type', example: 'type:json', help: "the response's media type" },
  { name: 'body', type: 'body', example: 'body:"out of stock"', help: 'words that follow each other in either body' },
  { name: 'mark', type: 'mark', column: 'marks', example: 'mark:gap', help: 'what is wrong with a trace; any; none' },
  { name: 'service', type: 'text', column: 'service', example: 'service=shop', help: 'whose sensor sent it' },
  { name: 'env', type: 'text', column: 'environment', example: 'env=prod', help: 'environment of its sensor' },
  { name: 'client', type: 'text', column: 'client', example: 'client:10.0.', help: 'address of who asked' },
  { name: 'protocol', type: 'word', column: 'protocol', example: 'protocol:2', help: 'version of HTTP' },
  { name: 'kind', type: 'word', column: 'kind', example: 'kind:client', help: 'server: asked; client: asking' },
  { name: 'id', type: 'id', column: 'trace_id', example: 'id:0af7651916cd43dd', help: 'trace id, or how it begins' },
  {
    name: 'time',
    type: 'time',
    column: 'start',
    example: 'time>10m',
    help: 'newer (>) or older (<) than an age or a date',
  },
];

export const FIELDS: ReadonlyMap<string, Field> = new Map(ROWS.map((row) => [row.name, row]));
