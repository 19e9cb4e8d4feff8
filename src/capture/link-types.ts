/**
 * The link type (https://www.tcpdump.org/linktypes.html) of an interface's packets, by the hardware type that Linux
 * gives it (ARPHRD_*, include/uapi/linux/if_arp.h; /sys/class/net/NAME/type).
 *
 * Tunnels are read through a cooked socket (packet(7), SOCK_DGRAM): the kernel then hands over each packet from its IP
 * header on, whatever header the tunnel itself would show, so that one link type does for all of them.
 */

export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;

/** How packets of an interface are read. */
export interface LinkReading {
  readonly linkType: number;
  /** Take packets from the IP header on. */
  readonly cooked: boolean;
}

const ETHERNET: LinkReading = { linkType: LINKTYPE_ETHERNET, cooked: false };
const IP: LinkReading = { linkType: LINKTYPE_RAW, cooked: true };

const READINGS: ReadonlyMap<number, LinkReading> = new Map([
  [1, ETHERNET], // ARPHRD_ETHER
  [772, ETHERNET], // ARPHRD_LOOPBACK: Ethernet headers with zero addresses
  [512, IP], // ARPHRD_PPP
  [519, IP], // ARPHRD_RAWIP
  [768, IP], // ARPHRD_TUNNEL
  [769, IP], // ARPHRD_TUNNEL6
  [776, IP], // ARPHRD_SIT
  [778, IP], // ARPHRD_IPGRE
  [823, IP], // ARPHRD_IP6GRE
  [65534, IP], // ARPHRD_NONE: tun, WireGuard
]);

/** `null` for hardware the sensor cannot read: radio, CAN, netlink monitors. */
export function linkReading(hardwareType: number): LinkReading | null {
  return READINGS.get(hardwareType) ?? null;
}

/** libpcap's number for a link type: the same, but for raw IP, whose DLT_RAW is 12 on Linux and 14 on OpenBSD. */
export function dltOf(linkType: number): number {
  return linkType === LINKTYPE_RAW || linkType === 14 ? 12 : linkType;
}
