/**
 * What the daemon says, to its log and, where that is asked for, to the system's.
 */
import type { Logger } from '../../log.js';
import type { SyslogSettings } from './configuration/settings.js';
import { openSyslog, type Syslog } from './syslog.js';

export interface TriggerLog {
  info(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
  close(): Promise<void>;
}

export function openTriggerLog(log: Logger, settings: SyslogSettings | null): TriggerLog {
  const syslog: Syslog | null = settings === null ? null : openSyslog(settings, (message) => log.warn(message));
  return {
    info(message) {
      log.info(message);
      syslog?.write(message);
    },
    warn(message) {
      log.warn(message);
      syslog?.write(message);
    },
    debug: (message) => log.debug(message),
    close: async () => syslog?.close(),
  };
}
