/**
 * The outputs there are, a row each. A new one is its row here and a folder beside `satellite/` and `file/`.
 */
import { InvalidValue } from '../errors.js';
import { type FileOptions, HAR_OUTPUT, NDJSON_OUTPUT } from './file/file-kinds.js';
import { OTEL_OUTPUT } from './otel/otel-kind.js';
import type { Examined, NetworkEndpoint, OutputContext, OutputKind, TraceOutput } from './output.js';
import { SATELLITE_OUTPUT } from './satellite/satellite-kind.js';
import type { SatelliteOptions } from './satellite/settings.js';
import { TEXT_OUTPUT, type TextOptions } from './text/text-kind.js';

const OUTPUTS = [SATELLITE_OUTPUT, OTEL_OUTPUT, TEXT_OUTPUT, NDJSON_OUTPUT, HAR_OUTPUT] as const;

/** A place traces go to. */
export type OutputTarget = ReturnType<(typeof OUTPUTS)[number]['parse']>;
/** The options that outputs go by, beside their targets. */
export type OutputOptions = SatelliteOptions & FileOptions & TextOptions;

type AnyOutput = OutputKind<OutputTarget, OutputOptions>;

/** A file of packets, beside those of traces. */
export type PacketTarget = { readonly to: 'pcap'; readonly file: string };
/** What `--write` names. */
export type WrittenTarget = OutputTarget | PacketTarget;

/** Endings by which `--write` knows what a file is to hold. */
const WRITTEN = { '.ndjson': 'ndjson', '.jsonl': 'ndjson', '.har': 'har', '.pcap': 'pcap', '.cap': 'pcap' } as const;
export const WRITTEN_FORMS = ['FILE.pcap', 'FILE.har', 'FILE.ndjson'];

/** @throws InvalidValue */
export function parseWritten(given: string): WrittenTarget {
  const ending = Object.keys(WRITTEN).find((one) => given.toLowerCase().endsWith(one)) as
    | keyof typeof WRITTEN
    | undefined;
  if (ending === undefined) {
    throw new InvalidValue(
      'does not say by its ending what it is to hold; give a name that ends in .pcap, .har or .ndjson',
    );
  }
  return { to: WRITTEN[ending], file: given };
}

/** Every way to write a target: `satellite`, `ndjson`, `ndjson:FILE`, … */
export const OUTPUT_FORMS: readonly string[] = OUTPUTS.flatMap(({ forms }) => forms.map(({ form }) => form));

/** The same as a sentence has it. */
export const OUTPUT_FORMS_TEXT: string = listed(
  OUTPUTS.flatMap(({ forms }) => forms.map(({ form, note }) => (note === undefined ? form : `${form} (${note})`))),
);

/** @throws InvalidValue */
export function parseOutput(given: string): OutputTarget {
  const colon = given.indexOf(':');
  const name = colon < 0 ? given : given.slice(0, colon);
  const output = OUTPUTS.find((one) => one.name === name);
  if (output === undefined) throw new InvalidValue(`is not an output; give ${OUTPUT_FORMS_TEXT}`);
  return output.parse(colon < 0 ? null : given.slice(colon + 1));
}

/** Where the traces of a target end up, for a person to read. */
export function describeOutput(target: OutputTarget, options: OutputOptions): string {
  return outputOf(target).describe(target, options);
}

/** Whether the receiver behind a target may be away. */
export function isRemote(target: OutputTarget): boolean {
  return outputOf(target).isRemote;
}

/** Everything that outputs connect to, once each. */
export async function outputEndpoints(
  targets: readonly OutputTarget[],
  options: OutputOptions,
): Promise<NetworkEndpoint[]> {
  const found = new Map<string, NetworkEndpoint>();
  for (const output of OUTPUTS as readonly AnyOutput[]) {
    const own = targets.filter(({ to }) => to === output.name);
    for (const endpoint of await output.endpoints(own, options))
      found.set(`${endpoint.host} ${endpoint.port}`, endpoint);
  }
  return [...found.values()];
}

/** What a doctor says of it; null where there is nothing to be found out. */
export async function examineOutput(target: OutputTarget, options: OutputOptions): Promise<Examined | null> {
  return (await outputOf(target).examine?.(target, options)) ?? null;
}

/** @throws SensorError, UsageError if it cannot be opened as told */
export function openOutput(target: OutputTarget, context: OutputContext<OutputOptions>): Promise<TraceOutput> {
  return outputOf(target).open(target, context);
}

function outputOf({ to }: OutputTarget): AnyOutput {
  // A row is only ever given the targets it has parsed.
  return OUTPUTS.find(({ name }) => name === to) as AnyOutput;
}

function listed(texts: readonly string[]): string {
  return `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}
