/**
 * What a sensor and a receiver say of themselves: metrics in Prometheus text, and lines of the log.
 *
 * in: books · out: text
 */
import { encodeMetrics, type Metric } from '../metrics-text.js';
import type { PacketOutputs } from '../outputs/packet-outputs.js';
import type { StreamReceiver } from './receiver.js';
import type { StreamSensor } from './sensor.js';

export function sensorMetrics(sensor: StreamSensor): string {
  const { books } = sensor;
  const accounts = [...books.accounts];
  return encodeMetrics([
    counter(
      'packets_captured',
      'Packets captured, by interface.',
      accounts.map(([name, one]) => [{ interface: name }, one.captured]),
    ),
    counter(
      'packets_sent',
      'Packets that the receiver or the output has, by interface.',
      accounts.map(([name, one]) => [{ interface: name }, one.sent]),
    ),
    counter(
      'packets_dropped',
      'Packets that were captured and not sent, by interface and reason.',
      accounts.flatMap(([name, one]) =>
        Object.entries(one.dropped).map(([reason, n]) => [{ interface: name, reason }, n] as const),
      ),
    ),
    gauge(
      'packets_in_flight',
      'Packets captured that are neither sent nor dropped.',
      accounts.map(([name]) => [{ interface: name }, books.inFlight(name)]),
    ),
    counter(
      'kernel_dropped',
      'Packets that the kernel dropped because the sensor was too slow, by interface.',
      sensor
        .statistics()
        .flatMap(({ name, dropped }) => (dropped === null ? [] : [[{ interface: name }, dropped] as const])),
    ),
    counter('packets_cut', 'Packets whose end was cut off so that the receiver takes the block.', [[{}, sensor.cut]]),
    counter('connections', 'Connections made to the receiver.', [[{}, sensor.connections]]),
    gauge('connected', 'Whether there is a connection to the receiver.', [[{}, sensor.isConnected ? 1 : 0]]),
    ...outputMetrics(sensor.outputs),
  ]);
}

export function receiverMetrics(receiver: StreamReceiver): string {
  const { book, bySensor } = receiver;
  return encodeMetrics([
    counter(
      'packets_received',
      'Packets received, by sensor.',
      [...bySensor].map(([sensor, n]) => [{ sensor }, n]),
    ),
    counter('packets_repeated', 'Packets that had come before over another connection.', [[{}, book.repeated]]),
    counter('bytes_received', 'Bytes received.', [[{}, book.bytes]]),
    counter('bad_blocks', 'Blocks, or parts of them, that made no sense.', [[{}, book.badBlocks]]),
    counter('connections', 'Connections accepted.', [[{}, book.connections]]),
    counter('connections_refused', 'Connections that the receiver refused or closed.', [[{}, book.refused]]),
    gauge('sensors_connected', 'Connections open.', [[{}, receiver.connected]]),
    ...outputMetrics(receiver.outputs),
  ]);
}

function outputMetrics({ all }: PacketOutputs): Metric[] {
  return [
    counter(
      'output_packets_taken',
      'Packets handed to an output.',
      all.map(({ name, book }) => [{ output: name }, book.taken]),
    ),
    counter(
      'output_packets_written',
      'Packets that an output has written.',
      all.map(({ name, book }) => [{ output: name }, book.written]),
    ),
    counter(
      'output_packets_dropped',
      'Packets that an output has not written, by reason.',
      all.flatMap(({ name, book }) =>
        Object.entries(book.dropped).map(([reason, n]) => [{ output: name, reason }, n] as const),
      ),
    ),
  ];
}

function counter(name: string, help: string, samples: Metric['samples']): Metric {
  return { name: `packetstreamer_${name}_total`, kind: 'counter', help, samples };
}

function gauge(name: string, help: string, samples: Metric['samples']): Metric {
  return { name: `packetstreamer_${name}`, kind: 'gauge', help, samples };
}

/** The books of a sensor as fields of a line: for each interface, and those of outputs. */
export function sensorFields(sensor: StreamSensor): object {
  const { books } = sensor;
  const interfaces = [...books.accounts].map(([name, { captured, sent, dropped }]) => ({
    interface: name,
    captured,
    sent,
    ...Object.fromEntries(Object.entries(dropped).filter(([, packets]) => packets > 0)),
    inFlight: books.inFlight(name),
    kernelDropped: sensor.statistics().find((one) => one.name === name)?.dropped ?? null,
  }));
  return { interfaces, ...outputFields(sensor.outputs) };
}

export function receiverFields(receiver: StreamReceiver): object {
  const { packets, repeated, bytes, badBlocks, refused } = receiver.book;
  return {
    connected: receiver.connected,
    packets,
    repeated,
    bytes,
    badBlocks,
    refused,
    ...outputFields(receiver.outputs),
  };
}

function outputFields({ all }: PacketOutputs): object {
  if (all.length === 0) return {};
  return {
    outputs: all.map(({ name, book: { taken, written, dropped } }) => ({
      output: name,
      taken,
      written,
      ...Object.fromEntries(Object.entries(dropped).filter(([, packets]) => packets > 0)),
    })),
  };
}
