/** `satellite backup` and `satellite delete`: what is done with what a satellite keeps. */
import { UsageError } from '../../errors.js';
import { SATELLITE_BACKUP_OPTIONS, SATELLITE_DELETE_OPTIONS } from '../../options/satellite-options.js';
import { type FlagValues, resolveSettings } from '../../options/settings.js';
import { FilterError } from '../../satellite/filter/parse.js';
import { backUp, forget } from '../../satellite/store/upkeep.js';

export async function satelliteBackup(flags: FlagValues): Promise<number> {
  const { data, to } = resolveSettings(SATELLITE_BACKUP_OPTIONS, flags, process.env);
  if (data === '') throw new UsageError("--data is required; give the satellite's directory");
  if (to === null) throw new UsageError('the file is missing; give it: satellite backup FILE --data DIRECTORY');
  backUp(data, to);
  process.stdout.write(`${to}\n`);
  return 0;
}

export async function satelliteDelete(flags: FlagValues): Promise<number> {
  const { data, trace, where, olderThan } = resolveSettings(SATELLITE_DELETE_OPTIONS, flags, process.env);
  if (data === '') throw new UsageError("--data is required; give the satellite's directory");
  if (trace.length === 0 && where === null && olderThan === null)
    throw new UsageError('what is to be forgotten is not said; give --trace ID, --where FILTER or --older-than TIME');
  if (where !== null && where.trim() === '')
    throw new UsageError('--where "" would be everything; give a filter such as host:shop');
  for (const id of trace)
    if (!/^[0-9a-f-]{32,36}$/i.test(id)) throw new UsageError(`--trace "${id}" is no trace id; it has 32 hex digits`);
  try {
    const wanted = {
      ...(where === null ? {} : { filter: where }),
      ...(olderThan === null ? {} : { olderThanMillis: olderThan }),
    };
    const now = Date.now();
    const forgotten =
      trace.length === 0
        ? forget(data, wanted, now)
        : trace.reduce((sum, traceId) => sum + forget(data, { ...wanted, traceId }, now), 0);
    process.stdout.write(`${forgotten} ${forgotten === 1 ? 'trace' : 'traces'} forgotten\n`);
    return 0;
  } catch (error) {
    if (error instanceof FilterError) throw new UsageError(`--where: ${error.message}`);
    throw error;
  }
}
