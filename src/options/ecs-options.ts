/**
 * The options of `pcap-sensor ecs`: which task definition, how it is changed, the container put into it.
 */
import { InvalidValue } from '../errors.js';
import { one, optional, toggle } from './option-row.js';
import { choice, number, type OptionValue, text } from './option-values.js';
import { SENSOR_OPTIONS } from './options.js';

const awsRegion: OptionValue<string> = {
  ...text('REGION'),
  parse: (given) => {
    if (/^[a-z]{2,}(?:-[a-z]+)+-\d+$/.test(given)) return given;
    throw new InvalidValue('is no region of AWS; give one such as us-west-2');
  },
};

export const ECS_TARGET_OPTIONS = {
  profile: optional({
    group: 'AWS:',
    value: text('NAME'),
    defaultText: 'asked for, if there are several',
    env: ['AWS_PROFILE'],
    help: 'profile in ~/.aws whose credentials are used',
  }),
  region: optional({
    group: 'AWS:',
    value: awsRegion,
    defaultText: "the profile's, else asked for",
    env: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    help: 'AWS region, such as us-west-2',
  }),
  cluster: optional({
    group: 'AWS:',
    value: text('NAME'),
    defaultText: 'asked for',
    help: 'ECS cluster of the service',
  }),
  service: optional({
    group: 'AWS:',
    value: text('NAME'),
    defaultText: 'asked for',
    help: 'ECS service whose current revision is changed',
  }),
  family: optional({
    group: 'AWS:',
    value: text('FAMILY'),
    help: 'task definition whose latest revision is changed; the new one is registered and no service touched',
  }),
};

const ECS_CHANGE_OPTIONS = {
  'dry-run': toggle({ group: 'Change:', help: 'show what would change, and change nothing' }),
  json: toggle({ group: 'Change:', help: 'with --dry-run: print the input for RegisterTaskDefinition instead' }),
  yes: toggle({ group: 'Change:', help: 'do not ask before changing' }),
  'register-only': toggle({ group: 'Change:', help: 'register the new revision, leave the service as it is' }),
  'no-tags': toggle({ group: 'Change:', help: 'leave tags off the new revision and the service' }),
  'timeout-seconds': one({
    group: 'Change:',
    value: number('SECONDS', { min: 1, max: 86_400, example: 'seconds such as 900' }),
    default: 900,
    help: 'seconds that the service may take to become steady before it is set back',
  }),
};

export const ECS_CONTAINER_OPTIONS = {
  image: optional({
    group: 'Container:',
    value: text('IMAGE'),
    defaultText: 'levoai/pcap-sensor at the version of this command',
    help: 'image of the sensor',
  }),
  size: one({
    group: 'Container:',
    value: choice('normal', 'low-resource'),
    default: 'normal',
    help: 'normal: 512 CPU units and 512 MiB; low-resource: 256, 200 and modest rates',
  }),
  cpu: optional({
    group: 'Container:',
    value: number('UNITS', { min: 0, max: 196_608, integer: true, example: 'CPU units such as 256' }),
    defaultText: 'by --size',
    help: 'CPU units of the container; 1024 are one vCPU',
  }),
  memory: optional({
    group: 'Container:',
    value: number('MIB', { min: 6, max: 1_048_576, integer: true, example: 'MiB such as 256' }),
    defaultText: 'by --size',
    help: 'MiB above which ECS ends the container',
  }),
  'log-group': optional({
    group: 'Container:',
    value: text('NAME'),
    defaultText: "that of the task's first container that has one",
    help: 'CloudWatch log group of the sensor, created if there is none',
  }),
};

export const ECS_STATUS_OPTIONS = { ...ECS_TARGET_OPTIONS };
export const ECS_REMOVE_OPTIONS = { ...ECS_TARGET_OPTIONS, ...ECS_CHANGE_OPTIONS };

/** The sensor's options but for those that have no place in a container definition made on another machine. */
const {
  read: _read,
  interfaces: _interfaces,
  output: _output,
  'output-replace': _outputReplace,
  command: _command,
  'pod-metadata': _podMetadata,
  'kubernetes-node': _kubernetesNode,
  'pod-selector': _podSelector,
  'namespace-include': _namespaceInclude,
  'namespace-exclude': _namespaceExclude,
  'keep-infrastructure': _keepInfrastructure,
  config: _config,
  'health-port': _healthPort,
  'public-host': _publicHost,
  write: _write,
  'packets-on': _packetsOn,
  'packets-dir': _packetsDir,
  'packets-to-satellite': _packetsToSatellite,
  'packets-max-bytes': _packetsMaxBytes,
  'active-response': _activeResponse,
  'active-response-rule': _activeResponseRule,
  'active-response-per-minute': _activeResponsePerMinute,
  'active-response-report-seconds': _activeResponseReportSeconds,
  verbose: _verbose,
  count: _count,
  workers: _workers,
  ...SENSOR_CONTAINER_OPTIONS
} = SENSOR_OPTIONS;

export { SENSOR_CONTAINER_OPTIONS };

export const ECS_ADD_OPTIONS = {
  ...ECS_REMOVE_OPTIONS,
  ...ECS_CONTAINER_OPTIONS,
  ...SENSOR_CONTAINER_OPTIONS,
};
