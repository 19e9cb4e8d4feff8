/**
 * The tables of the documents, as Markdown, from the rows that define what they are about. Columns are padded, as the
 * formatter would do it.
 */
import { DROP_REASONS } from '../../src/counters.js';
import { LIMIT_ROWS } from '../../src/limits.js';
import { defaultText, environmentNames, OPTION_GROUPS, type OptionTable } from '../../src/options/option-row.js';
import { MARK_ROWS } from '../../src/pair/exchange.js';
import { METRIC_ROWS } from '../../src/task/metrics.js';

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
  const value = option.arity === 'switch' ? '' : ` ${option.value.placeholder}`;
  const help = option.help + (option.arity === 'many' ? '; repeatable' : '');
  const variables = environmentNames(name, option).map((variable) => `\`${variable}\``);
  return [`\`--${name}${value}\``, defaultText(option) ?? '', help, variables.join(', ')];
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
function markdownTable(rows: readonly string[][]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (escaped[0] ?? []).map((_, column) => Math.max(...escaped.map((row) => row[column]?.length ?? 0)));
  const lines = escaped.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}
