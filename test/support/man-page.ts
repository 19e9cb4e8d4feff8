/** The manual page, from the same rows as `--help`: man(7) macros. */
import { SUBCOMMANDS } from '../../src/cli/commands.js';
import { EXIT_CODES } from '../../src/errors.js';
import { defaultText, environmentNames, OPTION_GROUPS, type OptionTable } from '../../src/options/option-row.js';
import { SENSOR_OPTIONS } from '../../src/options/options.js';

export function manPage(): string {
  const verbs = Object.entries(SUBCOMMANDS);
  return [
    '.TH PCAP-SENSOR 1',
    '.SH NAME',
    'pcap-sensor \\- turns the HTTP traffic of a machine or an ECS task into API traces',
    '.SH SYNOPSIS',
    ...verbs.flatMap(([name]) => ['.PP', `.B pcap-sensor ${roff(name)}`, '[\\fIoptions\\fR]']),
    '.SH COMMANDS',
    ...verbs.flatMap(([name, { summary }]) => ['.TP', `.B ${roff(name)}`, sentence(summary)]),
    '.SH OPTIONS',
    'Those of apidump and watch. A flag comes before the environment, the environment before the file of \\-\\-config.',
    ...optionSections(SENSOR_OPTIONS),
    ...verbs.flatMap(([name, { options }]) => ownOptions(name, options)),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(({ code, help }) => ['.TP', `.B ${code}`, roff(help)]),
    '.SH EXAMPLES',
    ...verbs.flatMap(([, { examples }]) =>
      examples.flatMap(([command, what]) => ['.TP', `.B ${roff(command.replace('$0', 'pcap-sensor'))}`, roff(what)]),
    ),
    '',
  ].join('\n');
}

function optionSections(table: OptionTable): string[] {
  return OPTION_GROUPS.flatMap((group) => {
    const rows = Object.entries(table).filter(([, option]) => option.group === group);
    return rows.length === 0 ? [] : [`.SS ${group.replace(':', '')}`, ...rows.flatMap(optionLines)];
  });
}

/** What a verb has beside the sensor's options, or has alone. */
function ownOptions(name: string, table: OptionTable): string[] {
  const own = Object.entries(table).filter(([option]) => !Object.hasOwn(SENSOR_OPTIONS, option));
  return own.length === 0 ? [] : [`.SS Of ${roff(name)}`, ...own.flatMap(optionLines)];
}

function optionLines([name, option]: [string, OptionTable[string]]): string[] {
  const letter = option.letter === undefined ? '' : `\\fB\\-${option.letter}\\fR, `;
  const takesNone = option.arity === 'switch' || option.arity === 'count';
  const value = takesNone ? '' : ` \\fI${roff(option.value.placeholder)}\\fR`;
  const text = defaultText(option);
  const notes = [
    ...(option.arity === 'many' ? ['repeatable'] : []),
    ...(text === null ? [] : [`default: ${text}`]),
    `$${environmentNames(name, option)[0]}`,
  ];
  return [
    '.TP',
    `${letter}\\fB\\-\\-${roff(name)}\\fR${value}`,
    `${sentence(option.help)} (${roff(notes.join('; '))})`,
  ];
}

function sentence(text: string): string {
  return roff(`${text[0]?.toUpperCase()}${text.slice(1)}.`);
}

function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}
