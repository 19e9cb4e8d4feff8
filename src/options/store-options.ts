/** The options of a satellite whose traces are kept elsewhere than on its machine. */
import { InvalidValue } from '../errors.js';
import { type ClickHouseTarget, parseClickHouse, showClickHouse } from '../satellite/store/clickhouse/target.js';
import { optional } from './option-row.js';
import type { OptionValue } from './option-values.js';

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

export const STORE_OPTIONS = {
  store: optional({
    group: 'Satellite:',
    value: clickHouse,
    alsoCalled: ['clickhouse'],
    help: 'ClickHouse that traces are kept in, in place of --data: clickhouse://USER:PASSWORD@HOST:PORT/DATABASE, with ?secure, ?cluster=NAME and ?replicated; any number of satellites may share one',
  }),
};
