/** Opens control by the options. in: settings, what the sensor is made of · out: a `Control` */
import { hostname } from 'node:os';
import { localAddresses } from '../../capture/interfaces.js';
import type { Counters } from '../../counters.js';
import { createOpampCodec } from '../../enrolment/opamp/codec.js';
import type { SensorCapability } from '../../enrolment/opamp/custom.js';
import type { ComponentHealth } from '../../enrolment/opamp/messages.js';
import { SensorError } from '../../errors.js';
import type { Limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { httpOriginOf } from '../../options/control-options.js';
import type { Settings } from '../../options/options.js';
import { systemClock } from '../../output/clock.js';
import type { NetworkEndpoint } from '../../output/output.js';
import { createConnector } from '../../output/satellite/connector.js';
import { HttpClient } from '../../output/satellite/http-client.js';
import { satelliteEndpoint } from '../../output/satellite/satellite-kind.js';
import { commonHeaders } from '../../output/satellite/satellite-sender.js';
import { parseSatelliteUrl } from '../../output/satellite/satellite-url.js';
import { satelliteSettings } from '../../output/satellite/settings.js';
import type { TaskMetadata } from '../../task/metadata.js';
import { SENSOR_VERSION } from '../../version.js';
import { type Control, openControl } from './control.js';
import { describeAgent } from './opamp-agent.js';
import type { OpampSocket, OpampSocketContext } from './opamp-socket.js';
import { OPAMP_PATH } from './opamp-url.js';
import type { Identification } from './open-enrolment.js';
import type { Steering } from './steering.js';

export interface OpenControlContext {
  readonly settings: Settings;
  readonly identification: Identification;
  readonly steering: Steering;
  readonly capabilities: readonly SensorCapability[];
  readonly health: () => ComponentHealth;
  readonly task: TaskMetadata;
  readonly counters: Counters;
  readonly limits: Limits;
  readonly log: Logger;
  readonly onConnect: (endpoint: NetworkEndpoint, address: string) => void;
}

/** OpAMP's own, where nobody steers (its specification, § "Plain HTTP Transport"). */
const WATCHED_POLL_MILLIS = 30_000;
const STEERED_POLL_MILLIS = 5_000;
const TIMEOUT_MILLIS = 10_000;

/** @throws SensorError, UsageError where it cannot be opened as told */
export async function openControlBy(url: string, context: OpenControlContext): Promise<Control> {
  const { settings, identification, task, counters, limits, log, onConnect, ...rest } = context;
  const wire = await import('@bufbuild/protobuf/wire').catch(() => {
    throw new SensorError(
      '--opamp-url and --enrolment-key-file take the package @bufbuild/protobuf, which is not here; npm install @bufbuild/protobuf, or leave them out',
    );
  });
  const isSocket = url.startsWith('ws');
  const origin = httpOriginOf(url);
  const about = satelliteSettings({ ...settings, satelliteUrl: settings.satelliteUrl ?? origin }, task, SENSOR_VERSION);
  const endpoint = await satelliteEndpoint(origin);
  const connector = await createConnector(parseSatelliteUrl(origin, '--opamp-url'), about.tls);
  const reaching = {
    connector,
    timeoutMillis: TIMEOUT_MILLIS,
    onAddress: (address: string) => onConnect(endpoint, address),
  };
  const bytesMax = limits.control_answer_bytes_max;
  const socket = isSocket ? await socketBy({ ...reaching, message_bytes_max: bytesMax }) : null;
  const bare = new HttpClient({ ...reaching, response_bytes_max: bytesMax, now: systemClock.now });
  const { satelliteUrl, opampUnsigned } = settings;
  const isOfSatellite = satelliteUrl !== null && url === `${satelliteUrl}${OPAMP_PATH}`;
  // What goes over a WebSocket is not signed.
  const enrolment =
    opampUnsigned || isSocket ? null : identification.enrolmentAt(isOfSatellite ? satelliteUrl : origin);
  // What is meant for the satellite, such as a token, is sent to no other server.
  const isAtSatellite = satelliteUrl === null || new URL(satelliteUrl).origin === origin;
  const { 'Content-Type': _, ...headers } = commonHeaders(isAtSatellite ? about : { ...about, headers: {} });
  const { 'service.version': version = SENSOR_VERSION, ...resource } = textsOf(about.resource);
  return openControl({
    ...rest,
    ...{ url, counters, log, headers },
    client: socket ?? enrolment?.signing(bare) ?? bare,
    ...(socket === null ? {} : { pushes: socket }),
    clock: systemClock,
    codec: createOpampCodec(wire),
    instance: identification.instance,
    state: identification.state,
    description: describeAgent(
      {
        'service.name': about.serviceName,
        'service.instance.id': identification.instance,
        'service.version': version,
      },
      {
        'host.name': hostname(),
        'host.ip': ownAddresses(),
        'os.type': process.platform,
        'deployment.environment.name': about.environment,
        'telemetry.sdk.name': 'pcap-sensor',
        'telemetry.sdk.version': SENSOR_VERSION,
        ...resource,
      },
    ),
    isSigned: () => enrolment?.returnsSigned === true,
    mayBeUnsigned: opampUnsigned,
    takesOtherId: enrolment === null,
    isOver: () => enrolment?.isPlain === true,
    // A server that may steer speaks by itself over a WebSocket.
    pollMillis: !isSocket && (enrolment !== null || opampUnsigned) ? STEERED_POLL_MILLIS : WATCHED_POLL_MILLIS,
  });
}

async function socketBy(context: OpampSocketContext): Promise<OpampSocket> {
  const { OpampSocket } = await import('./opamp-socket.js');
  return OpampSocket.load(context);
}

const ADDRESSES_MAX = 16;

/** By which others ask for this host, so that who asks is known by name. */
function ownAddresses(): string[] {
  const isOfHost = (address: string): boolean => !/^(127\.|169\.254\.|::1$|fe80:)/i.test(address);
  return [...localAddresses()].filter(isOfHost).slice(0, ADDRESSES_MAX);
}

function textsOf(resource: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(resource).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
