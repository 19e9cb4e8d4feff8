/** Messages as encoding/json of Go reads them, which is what pcapdaemon does. */
import { expect, it } from 'vitest';
import { MessageError, readMessage } from '../../../../src/packets/trigger/message/capture-message.js';
import { objectEntries } from '../../../../src/packets/trigger/message/object-text.js';
import { Random, runSeed } from '../../../support/random.js';

const BASE = '"node":"any","interface":["eth0"],"packets":10';

it('has every field, absent ones empty', () => {
  expect(readMessage('{}')).toEqual({
    ...{ id: '', node: '', nodere: '', interface: [], alias: [], aliasmatched: '', tags: '', bpf: '', customer: '' },
    ...{ snap: 0, packets: 0, alertid: 0, alertstr: 0, timeout: 0, duration: 0, bytes: 0, before: 0 },
    ...{ packetdebug: false, logrequest: false, encryption: false },
    ...{ folder: '', bucket: '', acl: '', region: '', endpoint: '', replyto: '' },
  });
});

it('reads the samples of the documents', () => {
  const message = readMessage(
    '{"bpf":"port 80","timeout":300,"duration":10,"customer":"c","node":"any","packets":100,"interface":["eth0","enp0s25"],"snap":1500,"tags":"networkipcount,iptype:prefix"}',
  );
  expect(message).toMatchObject({
    ...{ bpf: 'port 80', timeout: 300, duration: 10, customer: 'c', node: 'any', packets: 100, snap: 1500 },
    ...{ interface: ['eth0', 'enp0s25'], tags: 'networkipcount,iptype:prefix' },
  });
  expect(readMessage('{"alias":["main"],"alertid":655443}')).toMatchObject({ alias: ['main'], alertid: 655_443 });
});

it.each<[text: string, field: string, value: unknown]>([
  ['{"NODE":"a"}', 'node', 'a'],
  ['{"Packets":3,"packets":5}', 'packets', 5],
  ['{"packets":5,"pacKets":7}', 'packets', 7],
  ['{"\\u017fnap":9}', 'snap', 9],
  ['{"pac\\u212aets":9}', 'packets', 9],
  ['{"packets":5,"packets":null}', 'packets', 5],
  ['{"interface":["a"],"interface":null}', 'interface', []],
  ['{"interface":["a",null]}', 'interface', ['a', '']],
  ['{"bpf":null}', 'bpf', ''],
  ['{"packets":-0}', 'packets', 0],
  ['{"packets":9223372036854775807}', 'packets', 2 ** 63],
  ['{"nonsense":{"a":[1,"}",{"b":"\\""}]},"packets":4}', 'packets', 4],
  ['{"tags":"a,\\"b\\":{[","packets":4}', 'packets', 4],
  [' \t\r\n{ "packets" : 4 } \n', 'packets', 4],
  ['{"tags":"\\ud800"}', 'tags', '\ufffd'],
  ['null', 'packets', 0],
  ['{"id":7}', 'id', '7'],
  ['{"id":"alert 7"}', 'id', 'alert 7'],
  ['{"id":{"a":1}}', 'id', ''],
])('reads %s', (text, field, value) => {
  expect(readMessage(text)).toHaveProperty(field, value);
});

it.each([
  ...['hello', '', '[]', '7', '"a"', `{${BASE}} x`, `{${BASE}`, `{${BASE},}`, "{'node':'any'}", '{"a":01}', '\ufeff{}'],
  ...['{"packets":10.0}', '{"packets":1e1}', '{"packets":10.5}', '{"packets":"10"}', '{"packets":true}'],
  ...['{"packets":9223372036854775808}', '{"packets":-9223372036854775809}', '{"packets":{}}'],
  ...['{"interface":"cap0"}', '{"interface":[1]}', '{"interface":{}}', '{"alertid":"7"}', '{"alertstr":"7"}'],
  ...['{"packetdebug":1}', '{"packetdebug":"true"}', '{"encryption":0}', '{"node":1}', '{"aliasmatched":1}'],
  ...['{"packets":"a","packets":5}', '{"packets":5,"packets":"a"}', '{"bpf":"a\u0001"}'],
])('refuses %s', (text) => {
  expect(() => readMessage(text)).toThrow(MessageError);
});

it('refuses what is longer than any queue takes', () => {
  expect(() => readMessage(`{"tags":"${'a'.repeat(1 << 18)}"}`)).toThrow(/characters/);
});

it('finds in any object what JSON.parse finds, however it is written', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const value = (depth: number): unknown => {
    const kind = random.between(0, depth > 3 ? 3 : 5);
    if (kind === 0) return random.between(-9, 99);
    if (kind === 1) return random.pick(['', '"', '\\', '{', '}', '[,]', ':', 'é', '\\"', 'a,b']);
    if (kind === 2) return random.pick([true, false, null]);
    if (kind === 3) return random.next();
    const list = Array.from({ length: random.between(0, 3) }, () => value(depth + 1));
    return kind === 4 ? list : Object.fromEntries(list.map((one, i) => [random.pick(['a', '"', '{', ',']) + i, one]));
  };
  for (let i = 0; i < 500; i++) {
    const object = Object.fromEntries(Array.from({ length: random.between(0, 5) }, (_, n) => [`${n}"}{,`, value(0)]));
    const text = JSON.stringify(object, null, random.pick([0, 1, '\t']));
    const found = Object.fromEntries(objectEntries(text).map((one) => [one.name, JSON.parse(one.value)]));
    expect(found, `SEED=${seed} ${text}`).toEqual(object);
  }
});

it('takes time linear in a message of nothing but brackets', () => {
  expect(() => readMessage(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).not.toThrow();
});
