import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../../src/deploy/ecs/json-value.js';
import { familyOf, registrationOf, revisionOfArn } from '../../../src/deploy/ecs/task-definition.js';
import { futureTaskDefinition, richTags } from '../../support/rich-task-definition.js';

const serviceWritten: JsonObject = {
  taskDefinitionArn: 'arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:7',
  revision: 7,
  status: 'ACTIVE',
  requiresAttributes: [{ name: 'com.amazonaws.ecs.capability.docker-remote-api.1.18' }],
  compatibilities: ['EC2', 'FARGATE'],
  registeredAt: 1_700_000_000.5,
  registeredBy: 'arn:aws:iam::123456789012:user/someone',
  deregisteredAt: 1_700_000_001,
  deleteRequestedAt: 1_700_000_002,
};

test('what is registered is what was described, without what only ECS may write', () => {
  const described = { taskDefinition: { ...futureTaskDefinition, ...serviceWritten }, tags: richTags };
  expect(registrationOf(described, { keepTags: true })).toStrictEqual({ ...futureTaskDefinition, tags: richTags });
  expect(registrationOf(described, { keepTags: false })).toStrictEqual(futureTaskDefinition);
});

test('a member nobody has heard of is carried over as it is', () => {
  const anyJson = fc.jsonValue() as fc.Arbitrary<JsonValue>;
  const unknown = fc.dictionary(fc.string(), anyJson).map((members) => {
    const known = new Set([...Object.keys(serviceWritten), 'tags', '__proto__']);
    return Object.fromEntries(Object.entries(members).filter(([name]) => !known.has(name)));
  });
  fc.assert(
    fc.property(unknown, (members) => {
      const described = { taskDefinition: { ...members, ...serviceWritten }, tags: [] };
      expect(registrationOf(described, { keepTags: true })).toStrictEqual(members);
    }),
  );
});

test("AWS's own tags are left out, because sending them is refused; no tags means no member", () => {
  const awsTag = { key: 'aws:cloudformation:stack-name', value: 'shop' };
  const described = { taskDefinition: { family: 'shop' }, tags: [awsTag, ...richTags] };
  expect(registrationOf(described, { keepTags: true }).tags).toStrictEqual(richTags);
  expect(registrationOf({ ...described, tags: [awsTag] }, { keepTags: true })).toStrictEqual({ family: 'shop' });
});

test.each([
  ['arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:7', 'shop:7', 'shop'],
  ['arn:aws-us-gov:ecs:us-gov-west-1:1:task-definition/a_b-c:12', 'a_b-c:12', 'a_b-c'],
  ['shop:7', 'shop:7', 'shop'],
  ['shop', 'shop', 'shop'],
])('%s is revision %s of family %s', (reference, revision, family) => {
  expect(revisionOfArn(reference)).toBe(revision);
  expect(familyOf(reference)).toBe(family);
});
