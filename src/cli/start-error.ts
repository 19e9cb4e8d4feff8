/**
 * What ends the process, as it is said: a line for a person, or one of the log where JSON logs are asked for, so that
 * what collects them collects this too.
 *
 * in: what was thrown, the words of the command line, the environment · out: text that ends in a line feed · pure
 */
import { SensorError } from '../errors.js';
import { cutToBytes, LINE_BYTES_MAX, printableJson, printableLine, printableLines } from '../printable.js';

/** Bytes of the longest text in a line of JSON, where one byte may be written as several. */
const TEXT_BYTES_MAX = LINE_BYTES_MAX / 8;

export function errorLine(
  error: unknown,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  now: () => Date = () => new Date(),
  program = 'pcap-sensor',
): string {
  const isExpected = error instanceof SensorError;
  if (asksForJson(words, environment)) {
    const said = isExpected
      ? { msg: cutToBytes(error.message, TEXT_BYTES_MAX) }
      : { err: { stack: cutToBytes(String((error as Error)?.stack ?? error), TEXT_BYTES_MAX) }, msg: 'this is a bug' };
    return `${printableJson(JSON.stringify({ level: 'error', time: now().toISOString(), ...said }))}\n`;
  }
  const said = isExpected
    ? printableLine(`${program}: ${error.message}`)
    : printableLines(`${program}: this is a bug: ${(error as Error)?.stack ?? error}`);
  return `${said}\n`;
}

/** Options may be what is wrong, so that they are looked at as they were written: the last flag counts, then the variable. */
function asksForJson(
  words: readonly string[],
  { LEVO_LOG_FORMAT }: Readonly<Record<string, string | undefined>>,
): boolean {
  const flag = '--log-format';
  const given = words.flatMap((word, index) => {
    if (word.startsWith(`${flag}=`)) return [word.slice(flag.length + 1)];
    return word === flag ? [words[index + 1]] : [];
  });
  return (given.at(-1) ?? LEVO_LOG_FORMAT) === 'json';
}
