/** Flags read by yargs' parser alone against yargs itself: one must not take what the other reads otherwise. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import yargs from 'yargs';
import { SUBCOMMANDS, type Subcommand } from '../../src/cli/commands.js';
import { flagValues, PARSING, plainFlags } from '../../src/cli/flags.js';
import { withOptions } from '../../src/cli/help.js';
import { type FlagValues, resolveSettings } from '../../src/options/settings.js';

const apidump = SUBCOMMANDS.apidump as Subcommand;
const names = Object.keys(apidump.options);

async function byYargs(words: readonly string[]): Promise<FlagValues> {
  let flags: FlagValues | null = null;
  await yargs(['apidump', ...words])
    .parserConfiguration(PARSING)
    .command(
      'apidump',
      '',
      (builder) => withOptions(builder, 'apidump', apidump),
      (parsed) => {
        flags = flagValues(apidump.options, parsed, words);
      },
    )
    .parseAsync();
  if (flags === null) throw new Error('yargs did not come to the command');
  return flags;
}

const flag = fc.constantFrom(...names).map((name) => `--${name}`);
const value = fc.constantFrom(
  '5',
  '0x10',
  '1e3',
  '-5',
  '-',
  '',
  'true',
  'false',
  'a,b',
  '^/x$',
  'a b',
  '"q"',
  '-x',
  '-xy',
  '.5',
);
const odd = fc.constantFrom(
  '--no-such',
  '--no-rate-limit',
  '--rate-limit.x',
  '--rateLimit',
  '--a-b=c',
  '---x',
  '--=5',
  '--x=',
);
const word = fc.oneof(
  flag,
  value,
  odd,
  fc.tuple(flag, value).map(([name, text]) => `${name}=${text}`),
);

it('reads flags as yargs does', async () => {
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 8 }), async (words) => {
      const flags = plainFlags(words, apidump.options);
      if (flags === null) return;
      plain++;
      expect(flags).toEqual(await byYargs(words));
    }),
    { numRuns: 150 },
  );
  expect(plain).toBeGreaterThan(20);
});

it.each([
  [['--help']],
  [['--satellite-url', 'h', '--version']],
  [['word']],
  [['--', '--rate-limit', '5']],
  [['--help=x']],
])('leaves %j to yargs', (words) => {
  expect(plainFlags(words, apidump.options)).toBeNull();
});

it('takes no name from the prototype of objects', () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const flags = plainFlags([`--${name}=x`], apidump.options);
    expect(() => resolveSettings(apidump.options, flags ?? {}, {})).toThrow('is no option');
  }
});
