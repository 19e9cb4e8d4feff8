/**
 * The two endpoints of a connection, as the packets of one of its legs have them, and the virtual network they are in.
 * Addresses are as in `Segment`.
 */
import type { Segment } from '../decode/segment.js';
import type { Direction } from './flow-consumer.js';

export class Addresses {
  readonly tunnelId: number;
  readonly word00: number;
  readonly word01: number;
  readonly word02: number;
  readonly word03: number;
  readonly port0: number;
  readonly word10: number;
  readonly word11: number;
  readonly word12: number;
  readonly word13: number;
  readonly port1: number;
  /** The interface the first packet was seen on. */
  readonly interfaceId: number;

  /** Endpoint 0 sent `segment`. */
  constructor(segment: Segment, interfaceId: number) {
    this.tunnelId = segment.tunnelId;
    this.word00 = segment.sourceWord0;
    this.word01 = segment.sourceWord1;
    this.word02 = segment.sourceWord2;
    this.word03 = segment.sourceWord3;
    this.port0 = segment.sourcePort;
    this.word10 = segment.destinationWord0;
    this.word11 = segment.destinationWord1;
    this.word12 = segment.destinationWord2;
    this.word13 = segment.destinationWord3;
    this.port1 = segment.destinationPort;
    this.interfaceId = interfaceId;
  }

  /** The direction `s` goes in, or -1 if it has other addresses. */
  directionOf(s: Segment): Direction | -1 {
    if (s.tunnelId !== this.tunnelId) return -1;
    if (
      s.sourcePort === this.port0 &&
      s.destinationPort === this.port1 &&
      s.sourceWord3 === this.word03 &&
      s.destinationWord3 === this.word13 &&
      s.sourceWord2 === this.word02 &&
      s.destinationWord2 === this.word12 &&
      s.sourceWord1 === this.word01 &&
      s.destinationWord1 === this.word11 &&
      s.sourceWord0 === this.word00 &&
      s.destinationWord0 === this.word10
    ) {
      return 0;
    }
    if (
      s.sourcePort === this.port1 &&
      s.destinationPort === this.port0 &&
      s.sourceWord3 === this.word13 &&
      s.destinationWord3 === this.word03 &&
      s.sourceWord2 === this.word12 &&
      s.destinationWord2 === this.word02 &&
      s.sourceWord1 === this.word11 &&
      s.destinationWord1 === this.word01 &&
      s.sourceWord0 === this.word10 &&
      s.destinationWord0 === this.word00
    ) {
      return 1;
    }
    return -1;
  }

  /** Whether `s` goes to endpoint 0. */
  isDestination0(s: Segment): boolean {
    return (
      s.destinationPort === this.port0 &&
      s.destinationWord3 === this.word03 &&
      s.destinationWord2 === this.word02 &&
      s.destinationWord1 === this.word01 &&
      s.destinationWord0 === this.word00
    );
  }

  /** Whether `s` comes from endpoint 1. */
  isSource1(s: Segment): boolean {
    return (
      s.sourcePort === this.port1 &&
      s.sourceWord3 === this.word13 &&
      s.sourceWord2 === this.word12 &&
      s.sourceWord1 === this.word11 &&
      s.sourceWord0 === this.word10
    );
  }

  /** Gives `s` these addresses, as a segment of that direction. */
  writeTo(s: Segment, direction: Direction): void {
    const isFrom0 = direction === 0;
    s.tunnelId = this.tunnelId;
    s.sourceWord0 = isFrom0 ? this.word00 : this.word10;
    s.sourceWord1 = isFrom0 ? this.word01 : this.word11;
    s.sourceWord2 = isFrom0 ? this.word02 : this.word12;
    s.sourceWord3 = isFrom0 ? this.word03 : this.word13;
    s.sourcePort = isFrom0 ? this.port0 : this.port1;
    s.destinationWord0 = isFrom0 ? this.word10 : this.word00;
    s.destinationWord1 = isFrom0 ? this.word11 : this.word01;
    s.destinationWord2 = isFrom0 ? this.word12 : this.word02;
    s.destinationWord3 = isFrom0 ? this.word13 : this.word03;
    s.destinationPort = isFrom0 ? this.port1 : this.port0;
  }
}
