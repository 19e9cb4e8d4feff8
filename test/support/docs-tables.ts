/**
 * The tables of the documents, as Markdown, from the rows that define what they are about. Columns are padded, as the
 * formatter would do it.
 */

import { DROP_REASONS } from '../../src/counters.js';
import { STEERABLE } from '../../src/enrolment/remote-configuration.js';
import { EXIT_CODES } from '../../src/errors.js';
import { LIMIT_ROWS } from '../../src/limits.js';
import { defaultText, environmentNames, OPTION_GROUPS, type OptionTable } from '../../src/options/option-row.js';
import { OSSENSOR_DEBUG_LEVELS, OSSENSOR_VARIABLES, type OsSensorVariable } from '../../src/options/ossensor.js';
import { KEY_ROWS, type KeyRow } from '../../src/packets/stream/config-keys.js';
import { MARK_ROWS } from '../../src/pair/exchange.js';
import { INFRASTRUCTURE_NAMESPACES } from '../../src/policy/pod-rules.js';
import { METRIC_ROWS } from '../../src/task/metrics.js';
import { MODE_ROWS, MODES } from './option-modes.js';

/** One table for each group of options. */
export function optionTables(table: OptionTable): string {
  const sections: string[] = [];
  for (const group of OPTION_GROUPS) {
    const rows = Object.entries(table)
      .filter(([, option]) => option.group === group)
      .map(([name, option]) => optionCells(name, option));
    if (rows.length === 0) continue;
    const headings = ['option', 'default', 'what it does', 'environment'];
    sections.push(`## ${group.replace(':', '')}\n\n${markdownTable([headings, ...rows])}`);
  }
  return sections.join('\n\n');
}

function optionCells(name: string, option: OptionTable[string]): string[] {
  const value = option.arity === 'switch' || option.arity === 'count' ? '' : ` ${option.value.placeholder}`;
  const help = option.help + (option.arity === 'many' ? '; repeatable' : '');
  const variables = environmentNames(name, option).map((variable) => `\`${variable}\``);
  const letter = option.letter === undefined ? '' : `, \`-${option.letter}\``;
  return [`\`--${name}${value}\`${letter}`, defaultText(option) ?? '', help, variables.join(', ')];
}

/** Those that a sensor takes over while it runs. */
export function reloadedOptions(table: OptionTable): string {
  const names = Object.keys(table).filter((name) => table[name]?.reloads);
  return `SIGHUP changes ${flags(names)}.`;
}

/** What each option does in each mode. */
export function modeTable(): string {
  const words: Record<string, string> = { a: 'yes', n: 'no, and says so', r: 'refused' };
  return markdownTable([
    ['option', ...MODES.map(({ name }) => name)],
    ...Object.entries(MODE_ROWS).map(([name, { outcomes }]) => [
      `\`--${name}\``,
      ...[...outcomes].map((one) => words[one] ?? ''),
    ]),
  ]);
}

/** The namespaces that are left out by default. */
export function infrastructureList(): string {
  return `${INFRASTRUCTURE_NAMESPACES.map((name) => `\`${name}\``).join(', ')}.`;
}

/** The variables of osSensor. */
export function osSensorTable(): string {
  const rows = Object.entries(OSSENSOR_VARIABLES as Record<string, OsSensorVariable>);
  return markdownTable([
    ['variable', 'default', 'what it does here'],
    ...rows.map(([name, { default: value, required, old, help }]) => [
      [name, ...(old === undefined ? [] : [old])].map((one) => `\`${one}\``).join(', formerly '),
      required ? '**required**' : value === null ? '' : `\`${value}\``,
      help,
    ]),
  ]);
}

export function osSensorLevels(): string {
  return markdownTable([
    ['level', 'what it shows', 'the same by options'],
    ...OSSENSOR_DEBUG_LEVELS.map(({ log, packets, help }, level) => [
      String(level),
      help,
      `\`--log-level ${log}${packets === 'none' ? '' : ` --log-packets ${packets}`}\``,
    ]),
  ]);
}

export function metricTable(): string {
  return markdownTable([
    ['metric', 'kind', 'what it says'],
    ...METRIC_ROWS.map(({ name, kind, help }) => [`\`${name}\``, kind, help]),
  ]);
}

export function dropReasonTable(): string {
  return markdownTable([
    ['outcome', 'why the exchange is dropped', 'options that change it'],
    ...DROP_REASONS.map(({ outcome, help, options }) => [`\`${outcome}\``, help, flags(options)]),
  ]);
}

export function markTable(): string {
  return markdownTable([
    ['mark', 'what it says about the exchange'],
    ...Object.values(MARK_ROWS).map(({ name, help }) => [`\`${name}\``, help]),
  ]);
}

export function exitCodeTable(): string {
  return markdownTable([['code', 'means'], ...EXIT_CODES.map(({ code, help }) => [String(code), help])]);
}

/** What a server may ask a sensor for. */
export function steeringTable(): string {
  return markdownTable([
    ['name', 'what it asks for'],
    ...Object.entries(STEERABLE).map(([name, { help }]) => [`\`${name}\``, help]),
  ]);
}

export function limitTable(): string {
  return markdownTable([
    ['limit', 'default', 'what it bounds', 'set by'],
    ...Object.entries(LIMIT_ROWS).map(([name, { value, help, option }]) => [
      `\`${name}\``,
      String(value),
      help,
      option === null ? '' : flags([option]),
    ]),
  ]);
}

function flags(options: readonly string[]): string {
  return options.map((option) => `\`--${option}\``).join(', ');
}

/** The first row is the headings. */
export function markdownTable(rows: readonly string[][]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (escaped[0] ?? []).map((_, column) => Math.max(...escaped.map((row) => row[column]?.length ?? 0)));
  const lines = escaped.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

/** The keys of a PacketStreamer configuration. */
export function packetStreamerKeys(): string {
  const rows = Object.entries(KEY_ROWS as Readonly<Record<string, KeyRow<unknown>>>);
  return markdownTable([
    ['key', 'read by', 'default', 'what it does'],
    ...rows.map(([name, { of, default: value, isOurs, help }]) => [
      `\`${name}\`${isOurs ? '' : ' *'}`,
      of === 'both' ? 'sensor, receiver' : of,
      value === null || value === '' || (Array.isArray(value) && value.length === 0) ? '' : `\`${String(value)}\``,
      help.replaceAll('|', '\\|'),
    ]),
  ]);
}
