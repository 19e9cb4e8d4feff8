/** What the report runs, and which columns of its tables become a plot. */

export interface Plot {
  /** Which of the tables that the bench prints, from 0. */
  readonly table: number;
  readonly title: string;
  /** Columns whose text together names a bar. */
  readonly names: readonly string[];
  readonly value: string;
  readonly unit: string;
  /** Only rows whose name holds one of these; all by default. */
  readonly only?: readonly string[];
}

export interface Section {
  readonly name: string;
  readonly title: string;
  readonly says: string;
  /** What follows `npm run --silent`. */
  readonly command: readonly string[];
  readonly plots: readonly Plot[];
}

export const SECTIONS: readonly Section[] = [
  {
    name: 'engine',
    title: 'Capture files: how fast packets become exchanges',
    says: 'The same files, read by this engine with heads and bodies materialised, by gopacket’s tcpassembly with net/http (HTTP/2: x/net/http2), and by tshark. `times slower` is by wall time; gopacket uses more than one core, the CPU column says how much.',
    command: ['bench:engine'],
    plots: [
      {
        table: 0,
        title: 'CPU for each file of HTTP/1',
        names: ['file', 'reader'],
        value: 'CPU s',
        unit: 's',
        only: ['pcap-sensor', 'gopacket'],
      },
      {
        table: 1,
        title: 'CPU for each file of HTTP/2',
        names: ['file of HTTP/2', 'reader'],
        value: 'CPU s',
        unit: 's',
      },
    ],
  },
  {
    name: 'capture',
    title: 'Live: what capturing costs, and what is lost',
    says: 'nginx and wrk flat out on loopback, on two cores that they fill. The sensor runs with `--max-cpu none`, so that it does not step back.',
    command: ['bench:capture'],
    plots: [
      { table: 0, title: 'CPU a packet', names: ['capturing'], value: 'ns of CPU a packet', unit: 'ns' },
      { table: 0, title: 'Packets lost', names: ['capturing'], value: 'lost', unit: '%' },
    ],
  },
  {
    name: 'governor',
    title: 'The application beside the sensor, on loopback',
    says: 'nginx and wrk flat out on two cores; each row is between two with nothing beside the application, and its share is of their mean. `untrue` are exchanges whose response is not the one to that request.',
    command: ['bench:governor'],
    plots: [
      {
        table: 0,
        title: 'The application’s throughput, of what it has alone',
        names: ['beside the application'],
        value: 'of alone',
        unit: '%',
      },
    ],
  },
  {
    name: 'governor-veth',
    title: 'The application beside the sensor, over a veth pair',
    says: 'The same, with wrk in another namespace.',
    command: ['bench:governor', '--', '--veth'],
    plots: [
      {
        table: 0,
        title: 'The application’s throughput over a veth pair, of what it has alone',
        names: ['beside the application'],
        value: 'of alone',
        unit: '%',
      },
    ],
  },
  {
    name: 'kept',
    title: 'Capture files to NDJSON: the whole process',
    says: '`pcap-sensor apidump --read FILE --output ndjson:…` with every exchange kept and redacted, beside gopacket with net/http, which prints nothing, on the same file.',
    command: ['bench:kept'],
    plots: [
      { table: 0, title: 'Wall time of the whole process', names: ['file', 'reader'], value: 'seconds', unit: 's' },
    ],
  },
  {
    name: 'packets',
    title: 'Raw packets to a receiver',
    says: 'A sensor of packets with its receiver, and tcpdump to a file and through a pipe, over a veth pair.',
    command: ['bench:packets'],
    plots: [{ table: 0, title: 'CPU a packet', names: ['what', 'bytes'], value: 'µs of CPU a packet', unit: 'µs' }],
  },
  {
    name: 'redaction',
    title: 'Redaction',
    says: 'CPU of the redactor alone, on messages of each kind.',
    command: ['bench:redaction'],
    plots: [{ table: 0, title: 'CPU a byte', names: ['body'], value: 'ns a byte', unit: 'ns' }],
  },
  {
    name: 'startup',
    title: 'Start and idle',
    says: 'From the start of the process to its first packet, and what it takes while nothing passes, beside Node.js that does nothing.',
    command: ['bench:startup'],
    plots: [{ table: 1, title: 'Resident memory, idle', names: ['idle'], value: 'RSS MiB', unit: 'MiB' }],
  },
];
