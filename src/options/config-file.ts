/**
 * The configuration file of the Linux packages: every option that a file takes, commented out under what it does.
 *
 * in: the option table · out: YAML that sets nothing · pure
 */
import { defaultText, OPTION_GROUPS, type Option } from './option-row.js';
import { SENSOR_OPTIONS } from './options.js';

/** What a file cannot say: where it is itself, and what is of one run. */
const LEFT_OUT = new Set(['config', 'read', 'command', 'verbose', 'count']);

const WIDTH = 110;

const HEAD = `# The configuration of levo-pcap-sensor: take the # from the options that you set. \`satellite-url\` is all that it needs.
#
#   systemctl restart levo-pcap-sensor    after a change
#   systemctl reload levo-pcap-sensor     takes over what a running sensor can, and names what takes a restart
#   levo-pcap-sensor apidump --help all   the same options as flags
#
# An option that may be repeated takes a list: path-exclusions: ["^/internal/", "\\\\.css$"]
# Variables in /etc/default/levo-pcap-sensor come before this file. Upgrades leave it as it is.
`;

/** The options of the file by group, each with its row. */
export const CONFIG_KEYS: readonly (readonly [string, Option<unknown>])[] = Object.entries(
  SENSOR_OPTIONS as Record<string, Option<unknown>>,
).filter(([name]) => !LEFT_OUT.has(name));

export function configFile(): string {
  const sections = OPTION_GROUPS.flatMap((group) => {
    const rows = CONFIG_KEYS.filter(([, option]) => option.group === group);
    if (rows.length === 0) return [];
    return [
      `# --- ${group.replace(':', '')} ---\n\n${rows.map(([name, option]) => entry(name, option)).join('\n\n')}\n`,
    ];
  });
  return [HEAD, ...sections].join('\n');
}

function entry(name: string, option: Option<unknown>): string {
  const said = defaultText(option);
  const reload = option.reloads ? '; a reload takes it over' : '';
  const text = `${option.help} (${option.value.placeholder}${said === null ? '' : `, default: ${said}`})${reload}`;
  return [...wrapped(text), `#${name}: ${exampleOf(option)}`].join('\n');
}

/** The default, or what leaves the option unset. */
function exampleOf(option: Option<unknown>): string {
  if (option.arity === 'many') return '[]';
  if (option.default === null) return '""';
  return typeof option.default === 'string' ? JSON.stringify(option.default) : String(option.default);
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (`${line} ${word}`.length > WIDTH && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
