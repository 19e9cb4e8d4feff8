import { SensorError } from '../errors.js';

/** What lets the process capture. Root that may not is mostly that of a container, where no file grants anything. */
export function captureRemedy(execPath: string, isRoot: boolean): string {
  return isRoot
    ? 'root lacks it here: give it to the container (docker run --cap-add NET_RAW, capabilities.add: [NET_RAW] in Kubernetes; on Fargate do not drop it in linuxParameters)'
    : `grant it with \`sudo setcap cap_net_raw+ep ${execPath}\`, or run as root`;
}

/** That the process may not capture, and what lets it. */
export function permissionError(interfaceName: string): SensorError {
  return new SensorError(
    `interface ${interfaceName}: capturing needs the capability CAP_NET_RAW; ${captureRemedy(process.execPath, process.getuid?.() === 0)}`,
  );
}
