/**
 * Which topic of Kafka: `kafka://[USER:PASSWORD@]BROKER:PORT[,BROKER:PORT…]/TOPIC?group=GROUP&secure&sasl=SCRAM-SHA-512&organisation=NAME`.
 *
 * in: the text of an option · out: where it is and how it is read · pure; no error shows a password
 */
import type { KafkaTarget, SaslMechanism } from '../satellite/receive/kafka-target.js';

export const KAFKA_EXAMPLE = 'kafka://broker:9092/otlp_spans?group=satellites';
const FORM = /^kafka:\/\/(?:([^@/]*)@)?([^@/?#]+)\/([^/?#]+)(?:\?([^#]*))?$/i;
const BROKER = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$/;
/** https://kafka.apache.org/documentation: names of topics; groups are as free, and here as narrow. */
const NAME = /^[A-Za-z0-9._-]{1,249}$/;
const PARAMETERS: readonly string[] = ['group', 'secure', 'sasl', 'organisation'];
const MECHANISMS: readonly SaslMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];
const BROKERS_MAX = 32;

/** @throws Error in words */
export function parseKafka(given: string): KafkaTarget {
  const [, user, brokers = '', topic = '', query = ''] = FORM.exec(given) ?? [];
  if (brokers === '') throw new Error(`is no topic of Kafka; give a URL such as ${KAFKA_EXAMPLE}`);
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys())
    if (!PARAMETERS.includes(name))
      throw new Error(`has the parameter ${JSON.stringify(name.slice(0, 40))}; there are ${PARAMETERS.join(', ')}`);
  const group = parameters.get('group') ?? '';
  for (const [what, name] of [
    ['topic', topic],
    ['group', group],
  ] as const)
    if (!NAME.test(name))
      throw new Error(
        `has ${name === '' ? 'no' : 'a'} ${what}${name === '' ? '' : ` ${JSON.stringify(name.slice(0, 80))}`}; give letters, digits and ._- such as ${KAFKA_EXAMPLE}`,
      );
  const secure = parameters.get('secure');
  if (secure !== null && !/^(?:|1|true|0|false)$/.test(secure))
    throw new Error(`has secure=${JSON.stringify(secure.slice(0, 40))}; give true or false`);
  return {
    brokers: brokersOf(brokers),
    topic,
    group,
    isSecure: secure !== null && !/^(?:0|false)$/.test(secure),
    organisation: parameters.get('organisation') ?? '',
    ...loginOf(user, parameters.get('sasl')),
  };
}

function brokersOf(text: string): string[] {
  const brokers = text.split(',').map((one) => (one.startsWith('[') || one.includes(':') ? one : `${one}:9092`));
  if (brokers.length > BROKERS_MAX) throw new Error(`has more than ${BROKERS_MAX} brokers; some of them are enough`);
  for (const one of brokers)
    if (!BROKER.test(one) || Number(BROKER.exec(one)?.[1] ?? 1) > 65_535)
      throw new Error(`has the broker ${JSON.stringify(one.slice(0, 80))}; give HOST:PORT`);
  return brokers;
}

function loginOf(user: string | undefined, sasl: string | null): Pick<KafkaTarget, 'sasl' | 'username' | 'password'> {
  const [username, password] = decodedPair(user ?? '');
  if (username === '') {
    if (sasl !== null) throw new Error('has sasl and no user; give kafka://USER:PASSWORD@BROKER/…');
    return { sasl: null, username, password };
  }
  const mechanism = MECHANISMS.find((one) => one === (sasl ?? 'SCRAM-SHA-512').toUpperCase());
  if (mechanism === undefined)
    throw new Error(`has sasl=${JSON.stringify((sasl ?? '').slice(0, 40))}; give one of ${MECHANISMS.join(', ')}`);
  return { sasl: mechanism, username, password };
}

function decodedPair(user: string): [string, string] {
  const colon = user.indexOf(':');
  try {
    return colon < 0
      ? [decodeURIComponent(user), '']
      : [decodeURIComponent(user.slice(0, colon)), decodeURIComponent(user.slice(colon + 1))];
  } catch {
    throw new Error('has a % that begins no code; write % as %25');
  }
}

/** What may be shown of it. */
export const showKafka = (given: string): string => given.replace(/\/\/[^@/]*@/, '//…@');
