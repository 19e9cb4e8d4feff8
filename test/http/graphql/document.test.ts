/** Operations of documents: by hand, and beside what graphql-js makes of random ones. */
import { Kind, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readOperations } from '../../../src/http/graphql/document.js';
import { Random, runSeed } from '../../support/random.js';

const read = (text: string, isCut = false) =>
  readOperations(text, isCut, 64)?.map(({ type, name }) => `${type} ${name ?? '-'}`) ?? null;

describe('a document', () => {
  it.each<[string, string, string[]]>([
    ['a query', 'query Cart { cart { total } }', ['query Cart']],
    ['one without a name', 'query { me }', ['query -']],
    ['the short form', '{ me { name } }', ['query -']],
    ['a mutation', 'mutation Add($id: ID!) { add(id: $id) }', ['mutation Add']],
    ['a subscription', 'subscription S{s}', ['subscription S']],
    ['an operation called as a keyword', 'query query { query }', ['query query']],
    ['a fragment called as a keyword', 'fragment query on mutation { x } query A { ...query }', ['query A']],
    ['several', 'query A{a} mutation B{b} fragment F on T{x} query C{c}', ['query A', 'mutation B', 'query C']],
    ['defaults that hold brackets', 'query A($x: In = {a: [1, {b: "}"}]} @d(y: ")")) { a }', ['query A']],
    ['directives', 'query A @live(if: {a: "{"}) @b { a @include(if: true) }', ['query A']],
    ['comments', '# query X {\nquery # {\n A { a } # }\n', ['query A']],
    ['block strings', 'query A { a(x: """ } \\""" query B { """) } query C { c }', ['query A', 'query C']],
    ['escaped quotes', 'query A { a(x: "\\"}") } query B { b }', ['query A', 'query B']],
    ['a byte order mark, commas and carriage returns', '\ufeff,query\r\n,A,{a}', ['query A']],
  ])('of %s', (_what, text, expected) => expect(read(text)).toEqual(expected));

  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['SQL', 'select * from users'],
    ['a search', 'query string'],
    ['a search in quotes', '"query"'],
    ['a selector of Prometheus', '{app="shop"}'],
    ['a rate of Prometheus', 'rate({app="shop"}[5m])'],
    ['JSON', '{"match":{"a":1}}'],
    ['types', 'type Query { a: Int }'],
    ['fragments alone', 'fragment F on T { a }'],
    ['an empty set', 'query A {}'],
    ['an open end', 'query A { a'],
    ['an open argument', 'query A { a(x: "'],
    ['a closing brace', '}'],
    ['LDAP', '(cn=a)'],
  ])('is not %s', (_what, text) => expect(read(text)).toBeNull());

  it('that is cut off tells what came of it', () => {
    const text = 'query A { a } mutation B { b(x: """ y """) }';
    expect(read(text.slice(0, 9), true)).toEqual(['query A']);
    expect(read(text.slice(0, 30), true)).toEqual(['query A', 'mutation B']);
    expect(read(text.slice(0, 5), true)).toEqual(['query -']);
    expect(read('que', true)).toBeNull();
  });

  it('tells no more operations than are asked for', () => {
    expect(readOperations('query A{a}'.repeat(1000), false, 3)).toHaveLength(3);
  });

  it('tells the beginning of a long name', () => {
    expect(read(`query ${'n'.repeat(1e6)}{a}`)).toEqual([`query ${'n'.repeat(128)}`]);
  });
});

describe('hostile documents', () => {
  const million = 1_000_000;
  it.each<[string, string]>([
    ['deep sets', `query A ${'{a'.repeat(million)}`],
    ['deep sets that end', `query A ${'{a'.repeat(million / 2)}${'}'.repeat(million / 2)}`],
    ['deep arguments', `query A ${'('.repeat(million)}`],
    ['quotes', '"'.repeat(million)],
    ['block strings that do not end', `{a(x:${'"""\\'.repeat(million / 4)}`],
    ['comments', '#\n'.repeat(million / 2)],
    ['definitions', 'query A{a}'.repeat(million / 10)],
    ['names', `query ${'a '.repeat(million / 2)}{a}`],
  ])('of a megabyte, %s, are read once', (_what, text) => {
    // What is not read once takes minutes, and the test ends before.
    for (const isCut of [false, true]) expect(() => readOperations(text, isCut, 64)).not.toThrow();
  });
});

describe('random documents', () => {
  it('have the operations that graphql-js finds', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let i = 0; i < 2000; i++) {
      const text = randomDocument(random);
      const expected = parse(text).definitions.flatMap((one) =>
        one.kind === Kind.OPERATION_DEFINITION ? [`${one.operation} ${one.name?.value ?? '-'}`] : [],
      );
      expect(read(text), `SEED=${seed}, document ${i}: ${text}`).toEqual(expected.length === 0 ? null : expected);
    }
  });

  it('are refused where graphql-js refuses them for how they are nested, or told as they are', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let i = 0; i < 2000; i++) {
      const text = randomDocument(random);
      const at = random.between(0, text.length);
      const broken = random.chance(0.5)
        ? text.slice(0, at)
        : text.slice(0, at) + random.pick(['{', '}', '(', ')', '"', '#', '$', '...', '"""']) + text.slice(at);
      // Whatever it is: an answer, and one made of names that stand in it.
      for (const operation of readOperations(broken, random.chance(0.5), 64) ?? [])
        if (operation.name !== null) expect(broken, `SEED=${seed}, document ${i}`).toContain(operation.name);
    }
  });
});

function randomDocument(random: Random): string {
  const space = () => random.pick([' ', '\n', ' , ', '\t', ' # query X {\n', '\r\n', ' #"""\n']);
  const name = () => random.pick(['a', 'query', 'mutation', '_x1', 'Cart', 'fragment', 'type', 'subscription']);
  const string = () =>
    random.pick(['""', '"}"', '"\\"{"', '"""}"""', '""" \\""" { """', '"# no"', '"\\\\"', '""""a"""']);
  const value = (depth: number): string => {
    const kind = random.between(0, depth > 2 ? 4 : 6);
    if (kind === 0) return string();
    if (kind === 1) return `${random.between(-9, 9)}`;
    if (kind === 2) return '1.5e3';
    if (kind === 3) return `E${name()}`;
    if (kind === 4) return 'null';
    if (kind === 5) return `[${value(depth + 1)}${space()}${value(depth + 1)}]`;
    return `{${name()}:${space()}${value(depth + 1)}}`;
  };
  const directive = () => (random.chance(0.3) ? `@${name()}(${name()}:${value(1)})` : '');
  const selection = (depth: number): string => {
    const parts = Array.from({ length: random.between(1, 3) }, () => {
      const kind = random.between(0, depth > 3 ? 1 : 3);
      if (kind === 0) return `${name()}${directive()}`;
      if (kind === 1) return `${name()}:${name()}(${name()}:${value(0)})`;
      if (kind === 2) return `... on ${name()}${directive()}${space()}${selection(depth + 1)}`;
      return `${name()}${space()}${selection(depth + 1)}`;
    });
    return `{${space()}${parts.join(space())}${space()}}`;
  };
  const definition = (): string => {
    if (random.chance(0.25)) return `fragment F${name()}${space()}on ${name()}${directive()}${selection(0)}`;
    const type = random.pick(['query', 'mutation', 'subscription']);
    const named = random.chance(0.7) ? `${space()}${name()}` : '';
    const variables = random.chance(0.4) ? `($v:${space()}[Int!]!=${value(0)}${directive().replace('$', '')})` : '';
    return `${type}${named}${variables}${directive()}${space()}${selection(0)}`;
  };
  if (random.chance(0.1)) return selection(0);
  return Array.from({ length: random.between(1, 4) }, definition).join(space());
}
