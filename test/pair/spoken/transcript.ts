/** A trial for a person to read: what passed and what the capture made of it, what the engine shows, and what is wrong. */
import { lineOf, quoted, type Trial } from './oracle.js';
import { TcpBit, type WirePacket } from './wire.js';

const BYTES_SHOWN = 72;

export function transcript({ script, spoken, effects, packets, exchanges, verdict }: Trial): string {
  const isUsed = new Set(packets.map(({ key }) => key));
  // What nobody sees and what says nothing is left out.
  const told = spoken.packets.filter(
    ({ key, payload, flags }) => isUsed.has(key) || payload.length > 0 || flags !== TcpBit.ack,
  );
  const first = told.findIndex(({ key }) => isUsed.has(key));
  const lines = told.slice(Math.max(0, first - 3)).map((packet) => {
    const index = spoken.packets.indexOf(packet);
    return `  ${packetText(packet, noteOf(packet, index, effects, isUsed))}`;
  });
  return [
    `SEED=${script.seed}, loss ${script.loss.rate * 100} %, bodies ${script.flavour}: what passed, in order`,
    ...lines,
    'what the engine shows:',
    ...exchanges.map((exchange) => `  ${lineOf(exchange)}`),
    'what is wrong:',
    ...verdict.faults.map(({ kind, what }) => `  ${kind}: ${what}`),
    '',
  ].join('\n');
}

function noteOf(
  { key }: WirePacket,
  index: number,
  { lost, twice, late, skipped }: Trial['effects'],
  isUsed: ReadonlySet<string>,
): string {
  const notes: string[] = [];
  if (lost.has(key) || (index >= skipped && !isUsed.has(key))) notes.push('LOST');
  else if (index < skipped) notes.push('BEFORE');
  if (twice.has(key)) notes.push('TWICE');
  if (late.has(key)) notes.push(`LATE ${late.get(key)}`);
  return notes.join(' ');
}

function packetText(
  { fromClient, flags, at, payload, time, connection, key, acknowledgement }: WirePacket,
  note: string,
): string {
  const names = Object.entries(TcpBit)
    .filter(([name, bit]) => flags & bit && name !== 'ack' && name !== 'psh')
    .map(([name]) => name.toUpperCase());
  const range = payload.length > 0 ? `${at}+${payload.length}` : (names[0] ?? 'ack');
  const who = `${connection} ${fromClient ? 'client →' : '← server'}`;
  const shown =
    payload.length > BYTES_SHOWN
      ? `${quoted(payload.subarray(0, BYTES_SHOWN))}…`
      : payload.length > 0
        ? quoted(payload)
        : '';
  const again = key.endsWith('~') ? ' again' : '';
  return `${(time / 1e6).toFixed(3).padStart(10)} ms ${who} ${note.padEnd(7)} ${range}${again} a${acknowledgement >>> 0} ${shown}`.trimEnd();
}
