/** What messages come to: the recorded ones as the stock program had it or better, then each rule by itself. */
import { describe, expect, it } from 'vitest';
import { admitMessage, type NodeContext, type Verdict } from '../../../../src/packets/trigger/message/admission.js';
import { MessageError, readMessage } from '../../../../src/packets/trigger/message/capture-message.js';
import { tagsOf } from '../../../../src/packets/trigger/message/tags.js';
import { needs } from '../../../support/needs.js';
import { sharedLines } from '../../../support/shared-packets.js';

const ALIASES: Readonly<Record<string, string[]>> = { main: ['cap0'], public: ['cap0', 'lo'], local: ['lo'] };

const NODE: NodeContext = {
  node: 'node-1',
  interfaces: ['lo', 'cap0', 'tun0'],
  interfacesOf: (alias) => ALIASES[alias] ?? [],
  caps: {
    ...{ packetsMax: 50, bytesMax: 100_000, timeoutSecondsMax: 30, durationSecondsMax: 12, timeoutSeconds: 3 },
    ...{ snapLength: 500, beforeSecondsMax: 0 },
  },
  allowed: { buckets: ['b'], endpoints: [], acls: ['private'], replyTo: ['answers'] },
};

function admit(text: string, node: Partial<NodeContext> = {}): Verdict {
  return admitMessage(readMessage(text), { ...NODE, ...node });
}

const message = (fields: object) => JSON.stringify({ node: 'any', interface: ['cap0'], packets: 10, ...fields });

interface Recorded {
  readonly case: string;
  readonly message: unknown;
  readonly did: readonly string[];
  readonly files: readonly unknown[];
}

/** Where it is better to refuse than to do what stock does: see docs/pcapdaemon.md. */
const DIFFERENCES: Readonly<Record<string, RegExp>> = {
  'bpf-bad': /bpf names "no", and names are not resolved/,
  'packets-neg': /packets -1 is negative/,
  'bytes-neg': /bytes -1 is negative/,
  'timeout-neg': /timeout -1 is negative/,
  'duration-neg': /duration -1 is negative/,
  'snap-neg': /snap -1 is negative/,
  'iface-nflog': /unknown interface "nflog"/,
  'iface-bluetooth': /unknown interface "bluetooth-monitor"/,
};

const recorded = sharedLines<Recorded>('pcapdaemon', 'redis.jsonl');

describe('the recorded messages', needs({ 'shared/packets': recorded.length > 0 }), () => {
  // Three messages in words, which the daemon's own test publishes.
  it.each(recorded.filter(({ case: name }) => name !== 'three-in-one-second'))(
    '$case',
    ({ case: name, message, did, files }) => {
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      const outcome = did.join('; ');
      if (outcome.startsWith('rejected')) {
        expect(() => readMessage(text)).toThrow(MessageError);
        return;
      }
      const verdict = admit(text);
      const difference = DIFFERENCES[name];
      if (difference !== undefined) {
        expect(verdict).toMatchObject({ kind: 'refused', reason: expect.stringMatching(difference) });
      } else if (/no match: nodere is not RE2/.test(outcome)) {
        expect(verdict).toMatchObject({ kind: 'refused', reason: expect.stringContaining('is not RE2') });
      } else if (outcome.startsWith('no match')) {
        expect(verdict).toEqual({ kind: 'elsewhere' });
      } else if (/^(refused|skipped: unknown alias$)/.test(outcome)) {
        expect(verdict).toMatchObject({ kind: 'refused' });
      } else {
        // One file came of each device; those without packets left none, and a filter that does not compile is found later.
        const names =
          verdict.kind === 'captures' ? new Set(verdict.plans.map((plan) => plan.interfaceName)) : new Set();
        expect(names.size).toBe(Math.max(1, files.length));
      }
    },
  );
});

it('says what it refuses, and why, in the words of the message', () => {
  const reason = (fields: object, node: Partial<NodeContext> = {}) => {
    const verdict = admit(message(fields), node);
    return verdict.kind === 'refused' ? verdict.reason : verdict.kind;
  };
  expect(reason({ packets: 51 })).toBe('packets 51 is above maxpackets, which is 50');
  expect(reason({ bytes: 100_001 })).toBe('bytes 100001 is above maxbytes, which is 100000');
  expect(reason({ timeout: 31 })).toBe('timeout 31 is above maxtimeout, which is 30');
  expect(reason({ duration: 13 })).toBe('duration 13 is above maxduration, which is 12');
  expect(reason({ before: 5 })).toMatch(/no packets are kept from before a message; set lookback/);
  expect(reason({ before: 31 }, { caps: { ...NODE.caps, beforeSecondsMax: 30 } })).toMatch(/above lookback/);
  expect(reason({ nodere: '(', node: '' })).toMatch(/nodere "\(" is not RE2/);
  expect(reason({ nodere: '\\pL'.repeat(60_000), node: '' })).toBe(
    'nodere has 180000 characters, and 2048 is the most',
  );
  expect(reason({ bucket: 'mine' })).toMatch(/bucket "mine" is not allowed; the list buckets in \[s3\]/);
  expect(reason({ endpoint: 'https://evil.example' })).toMatch(/endpoint .* is not allowed/);
  expect(reason({ acl: 'public-read' })).toMatch(/acl "public-read" is not allowed/);
  expect(reason({ region: 'evil.example/' })).toMatch(/is no name of a region/);
  expect(reason({ replyto: 'elsewhere' })).toMatch(/replyto "elsewhere" is not allowed/);
  expect(reason({ bucket: 'b', acl: 'private', region: 'eu-central-1', replyto: 'answers' })).toBe('captures');
});

it('leaves to another node what is wrong with a message for it', () => {
  expect(admit(message({ node: 'node-2', packets: 0 }))).toEqual({ kind: 'elsewhere' });
  expect(admit(message({ node: 'node-2', interface: ['eth7'] }))).toEqual({ kind: 'elsewhere' });
});

it('captures a device once, however many aliases lead to it, and skips what is unknown', () => {
  const verdict = admit(message({ interface: [], alias: ['main', 'public', 'nope'] }));
  expect(verdict).toMatchObject({
    kind: 'captures',
    plans: [
      { interfaceName: 'cap0', aliases: ['main', 'public'] },
      { interfaceName: 'lo', aliases: ['public'] },
    ],
    skipped: ['unknown alias "nope"'],
  });
});

it('fills in what a message does not say, and takes a snap beyond any packet for whole packets', () => {
  const plan = (fields: object, caps = {}) => {
    const verdict = admit(message(fields), { caps: { ...NODE.caps, ...caps } });
    return verdict.kind === 'captures' ? verdict.plans[0] : verdict;
  };
  expect(plan({})).toMatchObject({ snapLength: 500, bytesMax: 100_000, timeoutSeconds: 3, durationSeconds: 12 });
  expect(plan({ snap: 9000, bytes: 7, timeout: 2, duration: 1 })).toMatchObject({
    ...{ snapLength: 9000, bytesMax: 7, timeoutSeconds: 2, durationSeconds: 1 },
  });
  expect(plan({ snap: 4_294_967_360 })).toMatchObject({ snapLength: 262_144 });
  expect(plan({}, { snapLength: 0 })).toMatchObject({ snapLength: 262_144 });
});

it('ignores an alias that a sender claims to have been matched', () => {
  const verdict = admit(message({ aliasmatched: 'forged' }));
  expect(verdict).toMatchObject({ kind: 'captures', plans: [{ aliases: [] }] });
});

it('joins tags in the order of the stock program', () => {
  const asked = readMessage(message({ customer: 'cust', alertid: 5, tags: 'x,y', snap: 1500 }));
  const verdict = admitMessage(asked, NODE);
  const [plan] = verdict.kind === 'captures' ? verdict.plans : [];
  expect(plan && tagsOf(asked, plan, 'node-1')).toBe(
    'customer:cust,alertid:5,x,y,node:node-1,interface:cap0,snaplength:1500',
  );
  const byAlias = readMessage(message({ interface: [], alias: ['main'] }));
  const other = admitMessage(byAlias, NODE);
  expect(other.kind === 'captures' && other.plans[0] && tagsOf(byAlias, other.plans[0], 'node-1')).toBe(
    'alias:main,node:node-1,interface:cap0,snaplength:500',
  );
});
