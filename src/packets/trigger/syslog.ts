/**
 * Lines to the system's log, at one priority, as pcapdaemon sends them.
 *
 * in: lines · out: the same through `logger` (util-linux), as Node.js has no datagrams to a socket of the file system
 *
 * Where `logger` is missing or ends, that is said once, and the lines are in the daemon's own log as they are anyway.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { SyslogSettings } from './configuration/settings.js';

const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['ntp', 'security', 'console', 'solaris-cron'],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];
const SEVERITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
/** Bytes that wait for `logger`; what comes while there are as many is left out. */
const WAITING_BYTES_MAX = 1 << 18;
const LINE_CHARACTERS_MAX = 1000;

export interface Syslog {
  write(line: string): void;
  close(): Promise<void>;
}

export function openSyslog(settings: SyslogSettings, warn: (message: string) => void): Syslog {
  const { priority, tag, socket } = settings;
  // logger takes none for the kernel, whose lines no program sends.
  const facility = FACILITIES[priority >> 3] ?? 'user';
  const severity = SEVERITIES[priority & 7] as string;
  const words = ['--id', '--tag', tag, '--priority', `${facility}.${severity}`];
  const child = spawn('logger', socket === null ? words : [...words, '--socket', socket], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let isOver = false;
  const end = (reason: string) => {
    if (!isOver) warn(`[syslog]: ${reason}; nothing goes to the system's log`);
    isOver = true;
  };
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said = text.toString().trim().slice(0, 200);
  });
  child.on('error', (error) => end(`the program logger, of util-linux, does not run (${error.message})`));
  child.on('exit', () => end(said === '' ? 'logger ended' : said));
  child.stdin?.on('error', () => {});
  return {
    write(line) {
      const into = child.stdin;
      if (isOver || into === null || into.writableLength > WAITING_BYTES_MAX) return;
      into.write(`${line.slice(0, LINE_CHARACTERS_MAX).replaceAll(/[\r\n]+/g, ' ')}\n`);
    },
    async close() {
      if (isOver) return;
      isOver = true;
      await ended(child);
    },
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.stdin?.end();
  });
}
