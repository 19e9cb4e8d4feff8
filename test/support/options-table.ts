/**
 * The options as Markdown tables, one a group: what stands between the markers of the README. Columns are padded, as
 * the formatter would do it.
 */
import { defaultText, environmentNames, OPTION_GROUPS, type OptionTable } from '../../src/options/option-row.js';

const HEADINGS = ['option', 'default', 'what it does', 'environment'];

export function optionsMarkdown(table: OptionTable): string {
  const sections: string[] = [];
  for (const group of OPTION_GROUPS) {
    const rows = Object.entries(table)
      .filter(([, option]) => option.group === group)
      .map(([name, option]) => cells(name, option));
    if (rows.length > 0) sections.push(`**${group.replace(':', '')}**\n\n${markdownTable([HEADINGS, ...rows])}`);
  }
  return sections.join('\n\n');
}

function cells(name: string, option: OptionTable[string]): string[] {
  const value = option.arity === 'switch' ? '' : ` ${option.value.placeholder}`;
  const help = option.help + (option.arity === 'many' ? '; repeatable' : '');
  const variables = environmentNames(name, option).map((variable) => `\`${variable}\``);
  return [`\`--${name}${value}\``, defaultText(option) ?? '', help, variables.join(', ')];
}

function markdownTable(rows: readonly string[][]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = HEADINGS.map((_, column) => Math.max(...escaped.map((row) => row[column]?.length ?? 0)));
  const lines = escaped.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}
