/** The options of a satellite whose traces are kept elsewhere than on its machine. */
import { InvalidValue } from '../errors.js';
import type { KafkaTarget } from '../satellite/receive/kafka-target.js';
import type { ClickHouseTarget } from '../satellite/store/clickhouse/target.js';
import { parseClickHouse, showClickHouse } from './clickhouse-target.js';
import { parseKafka, showKafka } from './kafka-target.js';
import { optional } from './option-row.js';
import { type OptionValue, text } from './option-values.js';

const clickHouse: OptionValue<ClickHouseTarget> = {
  placeholder: 'URL',
  reveal: showClickHouse,
  parse: (given) => {
    try {
      return parseClickHouse(given.trim());
    } catch (error) {
      throw new InvalidValue((error as Error).message);
    }
  },
};

const kafkaTopic: OptionValue<KafkaTarget> = {
  placeholder: 'URL',
  reveal: showKafka,
  parse: (given) => {
    try {
      return parseKafka(given.trim());
    } catch (error) {
      throw new InvalidValue((error as Error).message);
    }
  },
};

export const STORE_OPTIONS = {
  store: optional({
    group: 'Satellite:',
    value: clickHouse,
    alsoCalled: ['clickhouse'],
    help: 'ClickHouse that traces are kept in, in place of --data: clickhouse://USER:PASSWORD@HOST:PORT/DATABASE, with ?secure, ?cluster=NAME and ?replicated; any number of satellites may share one',
  }),
  from: optional({
    group: 'Satellite:',
    value: kafkaTopic,
    alsoCalled: ['kafka'],
    help: "topic of Kafka that traces are read from as well, as the Collector's Kafka exporter writes them: kafka://USER:PASSWORD@BROKER:PORT/TOPIC?group=GROUP, with &secure, &sasl=SCRAM-SHA-512 and, with --tokens-file, &organisation=NAME",
  }),
  'set-aside': optional({
    group: 'Satellite:',
    value: text('DIRECTORY'),
    defaultText: 'none, which leaves them in the topic',
    help: 'directory for messages of --from that nobody can read: the newest 64 MiB, a file each',
  }),
};
