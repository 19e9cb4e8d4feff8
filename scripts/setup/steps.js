/**
 * Steps of setting up: each is a command whose output goes to a log, with one line on the screen when it has ended.
 *
 * On a terminal the last line shows what is being done and for how long; elsewhere each line is written once.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const EXCERPT_LINES = 6;
/** What a command has started may take this long to end after it. */
const GROUP_MILLIS = 2000;
const LOOK_AGAIN_MILLIS = 20;
const CLEAR_LINE = '\r\x1b[K';

export function createSteps(root) {
  const logs = join(root, 'build', 'setup');
  const onTerminal = process.stderr.isTTY === true;
  /** Names of steps that are running, and when they began. */
  const running = new Map();
  /** Running commands, and the signal that ends each with all that it has started. */
  const children = new Map();
  let ticker;
  let isStopping = false;

  function say(line) {
    process.stderr.write(`${onTerminal ? CLEAR_LINE : ''}setup: ${line}\n`);
    if (onTerminal) showRunning();
  }

  /** Leaves the last line of the terminal to sudo. */
  function clearForQuestion() {
    process.stderr.write(
      `${CLEAR_LINE}setup: installing system packages takes sudo, which may ask for your password\n`,
    );
  }

  function showRunning() {
    const names = [...running].map(([name, began]) => `${name} ${seconds(began)} s`);
    process.stderr.write(CLEAR_LINE + (names.length === 0 ? '' : `setup: … ${names.join(', ')}`));
  }

  function begin(name) {
    running.set(name, Date.now());
    if (onTerminal) ticker ??= setInterval(showRunning, 500);
  }

  function end(name) {
    running.delete(name);
    if (running.size > 0) return;
    clearInterval(ticker);
    ticker = undefined;
    if (onTerminal) process.stderr.write(CLEAR_LINE);
  }

  /**
   * Ends what is running, with all that it has started; resolves when that is over. A package manager that is just
   * installing finishes first, as it does at a terminal.
   */
  async function stop() {
    isStopping = true;
    const ended = [...children].map(async ([child, { target, signal }]) => {
      const exited = once(child, 'exit');
      process.kill(target, signal);
      await exited;
      await isOver(target);
    });
    await Promise.all(ended);
  }

  /**
   * Runs `command`; resolves to whether it succeeded. `log` is the log's name, `name` what the screen says.
   *
   * @param {{ command: string[], log: string, name: string, env?: object, cwd?: string, isOptional?: boolean,
   *   usesTerminal?: boolean, endedBy?: string }}
   *   step `isOptional`: a failure is not worth a line; `usesTerminal`: sudo knows a password by the terminal it was given on
   */
  async function run({
    command,
    log,
    name,
    env = {},
    cwd = root,
    isOptional = false,
    usesTerminal = false,
    endedBy = 'SIGTERM',
  }) {
    if (isStopping) return false;
    mkdirSync(logs, { recursive: true });
    const path = join(logs, `${log}.log`);
    const file = openSync(path, 'w');
    const began = Date.now();
    begin(name);
    const code = await new Promise((resolve) => {
      const child = spawn(command[0], command.slice(1), {
        cwd,
        env: { ...process.env, ...env },
        stdio: ['ignore', file, file],
        // A process group of its own, so that it can be ended with all that it starts.
        detached: !usesTerminal,
      });
      children.set(child, { target: usesTerminal ? child.pid : -child.pid, signal: endedBy });
      child.once('error', (error) => {
        children.delete(child);
        resolve(error.message);
      });
      child.once('exit', (status, signal) => {
        children.delete(child);
        resolve(signal ?? status);
      });
    });
    closeSync(file);
    end(name);
    if (code === 0) {
      say(`${name.padEnd(40)} ${String(seconds(began)).padStart(4)} s`);
    } else if (!isOptional && !isStopping) {
      say(`${name} failed after ${seconds(began)} s (${code}); from ${relative(root, path)}:`);
      for (const line of telling(readFileSync(path, 'utf8'))) say(`  ${line}`);
    }
    return code === 0;
  }

  return { say, clearForQuestion, run, stop };
}

/** Whether the command succeeds; its output is nobody's. */
export function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Waits for the last process of a group, whose first has ended. */
async function isOver(target) {
  for (const deadline = Date.now() + GROUP_MILLIS; Date.now() < deadline; await delay(LOOK_AGAIN_MILLIS)) {
    try {
      process.kill(target, 0);
    } catch {
      return;
    }
  }
}

function seconds(since) {
  return Math.round((Date.now() - since) / 1000);
}

/** The lines of a log that say what went wrong: the first that speak of an error, or else the last ones. */
function telling(text) {
  const lines = text.trimEnd().split('\n');
  const errors = lines.filter((line) => /\berror\b|^E: |ERR!/i.test(line));
  return errors.length > 0 ? errors.slice(0, EXCERPT_LINES) : lines.slice(-EXCERPT_LINES);
}
