/** The options of what prints the sensor for others to paste: a container definition, a manifest. */
import { ECS_CONTAINER_OPTIONS, ECS_TARGET_OPTIONS, SENSOR_CONTAINER_OPTIONS } from './ecs-options.js';
import { optional, toggle } from './option-row.js';
import { text } from './option-values.js';

export const TF_FRAGMENT_OPTIONS = {
  region: { ...ECS_TARGET_OPTIONS.region, defaultText: 'data.aws_region.current' },
  ...ECS_CONTAINER_OPTIONS,
  ...SENSOR_CONTAINER_OPTIONS,
};

export const CF_FRAGMENT_OPTIONS = {
  json: toggle({ group: 'Change:', help: 'print JSON instead of YAML' }),
  ...TF_FRAGMENT_OPTIONS,
  region: { ...ECS_TARGET_OPTIONS.region, defaultText: 'that of the stack' },
};

const { image, size } = ECS_CONTAINER_OPTIONS;

export const KUBE_INJECT_OPTIONS = {
  file: optional({
    group: 'Change:',
    letter: 'f',
    value: text('FILE'),
    defaultText: 'required',
    help: 'manifest whose pods get the sensor, - for standard input',
  }),
  image,
  size: { ...size, help: 'normal: up to 512 MiB; low-resource: up to 200, and modest rates' },
  ...SENSOR_CONTAINER_OPTIONS,
};
