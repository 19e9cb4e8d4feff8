/**
 * What `scripts/release` refuses before it builds anything.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../support/command.js';

const RELEASE = join(import.meta.dirname, '../../scripts/release');
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

it.each([
  ['BASE_IMAGE', 'docker.io/library/debian:bookworm-slim'],
  ['BUILD_IMAGE', 'node:20-bookworm'],
  ['NODE_IMAGE', 'node'],
  ['BASE_IMAGE', 'debian@sha256:'],
  ['BASE_IMAGE', `debian@${DIGEST.slice(0, -1)}`],
  ['BASE_IMAGE', `debian@${DIGEST}0`],
  ['BASE_IMAGE', `@${DIGEST}`],
  ['BASE_IMAGE', `debian:bookworm\ndebian@${DIGEST}`],
])('refuses to build on %s=%j', async (name, image) => {
  const { code, stdout, stderr } = await runCommand([], { command: RELEASE, env: { [name]: image } });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(`release: ${name}=${image} can be another image tomorrow; name it by its digest`);
});
