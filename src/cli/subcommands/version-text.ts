/**
 * What `--version` prints: the version of the sensor, of Node.js and of libpcap.
 */
import { readdirSync } from 'node:fs';
import { SENSOR_VERSION } from '../../version.js';

/** Where distributions put libraries. */
const LIBRARY_DIRECTORIES = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
];

export function versionText(): string {
  const { platform, arch, versions } = process;
  const libpcap = libpcapVersion();
  const parts = [
    `Node.js ${versions.node}`,
    ...(libpcap === null ? [] : [`libpcap ${libpcap}`]),
    `${platform} ${arch}`,
  ];
  return `pcap-sensor ${SENSOR_VERSION} (${parts.join(', ')})`;
}

/** Taken from the name of its file, so that it need not be loaded. */
function libpcapVersion(): string | null {
  for (const directory of LIBRARY_DIRECTORIES) {
    try {
      for (const name of readdirSync(directory)) {
        const version = /^libpcap\.so\.(\d+\.\d+\.\d+)$/.exec(name)?.[1];
        if (version !== undefined) return version;
      }
    } catch {
      // This distribution has no such directory.
    }
  }
  return null;
}
