/** A budget of traces for a fleet, as an option has it. in: `10000`, `service=checkout:2000`, `env=*:5000` · out: a `FleetRate` */
import { InvalidValue } from '../errors.js';
import type { FleetRate } from '../satellite/fleet/fleet-budget.js';
import { many } from './option-row.js';
import type { OptionValue } from './option-values.js';

const PER_MINUTE_MAX = 1e9;
const EXAMPLE = 'traces a minute such as 10000, service=checkout:2000 or env=production:5000';

const fleetRate: OptionValue<FleetRate> = {
  placeholder: 'RATE',
  parse(given) {
    const [, scope, name = '', digits = ''] = /^(?:(service|env|environment)=(.+):)?(\d+)$/.exec(given.trim()) ?? [];
    const perMinute = Number(digits);
    if (digits === '' || perMinute < 1 || perMinute > PER_MINUTE_MAX)
      throw new InvalidValue(`is no budget; give ${EXAMPLE}`);
    return { scope: scope === undefined ? 'all' : scope === 'service' ? 'service' : 'environment', name, perMinute };
  },
};

export const FLEET_RATE_OPTIONS = {
  'fleet-rate': many({
    group: 'Satellite:',
    value: fleetRate,
    default: [],
    alsoCalled: ['rate', 'rate-limit', 'budget'],
    help: 'traces a minute that enrolled sensors send together: N for all, service=NAME:N or env=NAME:N for those; * as a name gives each one of its own',
  }),
};
