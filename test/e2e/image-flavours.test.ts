/**
 * The images of each flavour, as .ci/full builds them: what they run as, by which Node.js, and how they start.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { needs } from '../support/needs.js';
import { podman, runContainer, startContainer } from '../support/podman.js';

const RELEASE = readFileSync(new URL('../../.node-version', import.meta.url), 'utf8').trim();
const imageOf = (flavour: string) => `localhost/pcap-sensor:full-${flavour}`;
const isBuilt = (flavour: string) => spawnSync('podman', ['image', 'exists', imageOf(flavour)]).status === 0;
const apart = ['--network', 'none', '--read-only'];

describe.each([
  ['root', 'root'],
  ['nonroot', 'levo'],
  ['satellite', 'root'],
  ['packets', 'root'],
])('%s', (flavour, user) => {
  it(
    'says what it is, and runs the release of Node.js that is shipped',
    needs('podman', { [`image ${flavour} (.ci/full)`]: isBuilt(flavour) }),
    async () => {
      const image = imageOf(flavour);
      const { stdout } = await podman('inspect', '--format', '{{json .Config}}', image);
      expect(JSON.parse(stdout)).toMatchObject({ User: user });
      // The right is in the file of its Node.js, which does not start where the container may not have it.
      const right = user === 'root' ? [] : ['--cap-add', 'NET_RAW'];
      expect((await runContainer(...apart, ...right, image, '--version')).stdout).toContain(`Node.js ${RELEASE}`);
    },
  );
});

it(
  'the one of the satellite starts as one',
  needs('podman', { 'image satellite (.ci/full)': isBuilt('satellite') }),
  async () => {
    const container = await startContainer(...apart, imageOf('satellite'));
    try {
      await expect.poll(() => container.logs(), { timeout: 120_000 }).toContain('satellite at http://0.0.0.0:9999');
    } finally {
      await container.remove();
    }
  },
);

it(
  'the one that is not root captures with the right of its Node.js',
  needs('podman', { 'image nonroot (.ci/full)': isBuilt('nonroot') }),
  async () => {
    const { stdout } = await runContainer(
      '--network',
      'none',
      '--cap-add',
      'NET_RAW',
      imageOf('nonroot'),
      'doctor',
      '--seconds',
      '0.1',
    );
    expect(stdout).toMatch(/^ok +capability +CAP_NET_RAW$/m);
  },
);
