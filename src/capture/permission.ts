import { SensorError } from '../errors.js';

/** That the process may not capture, and the one command that lets it. */
export function permissionError(interfaceName: string): SensorError {
  return new SensorError(
    `interface ${interfaceName}: capturing needs the capability CAP_NET_RAW; ` +
      `grant it with \`sudo setcap cap_net_raw+ep ${process.execPath}\`, or run as root`,
  );
}
