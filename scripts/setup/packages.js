/**
 * System packages: which of the list in `bin/setup` are missing here, and installing them with as few rights as there are.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { succeeds } from './steps.js';

const RETRY_AFTER_SECONDS = [3, 10];
/** The groups whose members may use sudo, as distributions have it. Only they are asked for a password. */
const SUDO_GROUPS = ['sudo', 'wheel', 'admin'];

/** In the order of the columns of the list; `install` takes the packages behind it. */
const MANAGERS = [
  {
    command: 'apt-get',
    refresh: ['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300', 'update'],
    install: 'apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends'.split(' '),
    advice: 'apt-get install',
  },
  { command: 'apk', refresh: ['apk', 'update'], install: ['apk', 'add'], advice: 'apk add' },
  { command: 'dnf', refresh: ['true'], install: ['dnf', 'install', '-y'], advice: 'dnf install' },
];

/**
 * @param {string} list as `bin/setup` has it
 * @param {string} unpacked directory of packages that `scripts/unpack-packages` has unpacked here
 */
export function createPackages(list, unpacked) {
  const column = MANAGERS.findIndex(({ command }) => findProgram(command));
  const manager = MANAGERS[column];
  const rows = list
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter((fields) => fields.length > 2)
    .map(([group, sign, ...names]) => ({ group, sign, name: names[column] ?? '-' }));

  /** Packages of these groups that are not here, each once. */
  function missing(...groups) {
    const wanted = rows.filter(({ group, sign }) => groups.includes(group) && !isHere(sign, unpacked));
    return [...new Set(wanted.map(({ name }) => name))].filter((name) => name !== '-');
  }

  /**
   * Whether and how this user may install: as root, with sudo, or not at all. `beforeAsking` is called where sudo is about
   * to ask for a password, which it does only on a terminal.
   */
  function rights(beforeAsking) {
    if (manager === undefined) return null;
    if (process.getuid() === 0) return [];
    if (!findProgram('sudo')) return null;
    if (succeeds('sudo', '-n', 'true')) return ['sudo', '-n'];
    const groups = spawnSync('id', ['-nG', userInfo().username], { encoding: 'utf8' }).stdout ?? '';
    const mayBeAsked =
      process.stdin.isTTY &&
      process.stderr.isTTY &&
      SUDO_GROUPS.some((name) => groups.trim().split(' ').includes(name));
    if (!mayBeAsked) return null;
    beforeAsking();
    return spawnSync('sudo', ['-v'], { stdio: 'inherit' }).status === 0 ? ['sudo', '-n'] : null;
  }

  /** A step that installs these; it tries again where the network or a lock was in the way. */
  function installation(asRoot, names) {
    const once = `${words([...asRoot, ...manager.refresh])} && ${words([...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', ...manager.install, ...names])}`;
    const again = RETRY_AFTER_SECONDS.map((pause) => `{ sleep ${pause}; ${once}; }`);
    return {
      command: ['sh', '-c', [`{ ${once}; }`, ...again].join(' || ')],
      usesTerminal: asRoot.length > 0,
      endedBy: 'SIGINT',
    };
  }

  return {
    missing,
    rights,
    installation,
    /** What whoever may install has to type. */
    advice: (names) => `${process.getuid() === 0 ? '' : 'sudo '}${manager?.advice ?? 'install'} ${names.join(' ')}`,
    /** Whether packages can be had without the right to install them. */
    canUnpack: manager?.command === 'apt-get' && findProgram('dpkg-deb'),
  };
}

const words = (all) => all.map((word) => `'${word}'`).join(' ');

/** @param {string} sign NAME.h, libNAME, PYTHON:MODULE or a program's name */
function isHere(sign, unpacked) {
  const [program, module] = sign.split(':');
  if (module !== undefined) return findProgram(program) && succeeds(program, '-c', `import ${module}`);
  if (sign.endsWith('.h')) {
    return ['/usr', '/usr/local', join(unpacked, 'root/usr')].some((prefix) =>
      existsSync(join(prefix, 'include', sign)),
    );
  }
  if (sign.startsWith('lib'))
    return [...LIBRARY_PLACES, join(unpacked, 'lib')].some((place) => holdsLibrary(place, sign));
  return findProgram(sign);
}

const LIBRARY_PLACES = ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/lib', '/usr/lib/gcc'].flatMap((directory) => [
  directory,
  ...namesIn(directory)
    .filter((name) => name.includes('-linux-'))
    .map((name) => join(directory, name)),
]);

/** Whether `NAME.so…` is in the directory or, as those of compilers, in one of a version in it. */
function holdsLibrary(directory, library) {
  const inside = namesIn(directory);
  if (inside.some((name) => name.startsWith(`${library}.so`))) return true;
  return inside.some((name) => /^\d+$/.test(name) && existsSync(join(directory, name, `${library}.so`)));
}

function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function findProgram(name) {
  const places = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  return places.some((place) => {
    try {
      accessSync(join(place, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
