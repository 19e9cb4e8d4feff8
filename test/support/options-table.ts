/**
 * The options as Markdown tables, one a group: what stands between the markers of the README.
 */
import { defaultText, environmentNames, OPTION_GROUPS, type OptionTable } from '../../src/options.js';

export function optionsMarkdown(table: OptionTable): string {
  const lines: string[] = [];
  for (const group of OPTION_GROUPS) {
    const rows = Object.entries(table).filter(([, option]) => option.group === group);
    if (rows.length === 0) continue;
    lines.push(
      `**${group.replace(':', '')}**`,
      '',
      '| option | default | what it does | environment |',
      '| --- | --- | --- | --- |',
    );
    for (const [name, option] of rows) {
      const value = option.arity === 'switch' ? '' : ` ${option.value.placeholder}`;
      const help = option.help + (option.arity === 'many' ? '; repeatable' : '');
      const variables = environmentNames(name, option).map((variable) => `\`${variable}\``);
      lines.push(
        `| ${[`\`--${name}${value}\``, defaultText(option) ?? '', help, variables.join(', ')].map(cell).join(' | ')} |`,
      );
    }
    lines.push('');
  }
  return lines.join('\n').trimEnd();
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
