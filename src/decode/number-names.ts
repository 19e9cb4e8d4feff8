/** The numbers by which specifications know what is not read, with the names that people search for. */
import { Kind } from './next.js';

const ETHER_TYPES: Readonly<Record<number, string>> = {
  2054: 'ARP',
  2114: 'Wake-on-LAN',
  8192: 'CDP',
  24579: 'DECnet',
  32821: 'RARP',
  32923: 'AppleTalk',
  33079: 'IPX',
  34824: 'flow control',
  34825: 'LACP',
  34915: 'PPPoE discovery',
  34939: 'HomePlug',
  34958: '802.1X',
  34962: 'PROFINET',
  34980: 'EtherCAT',
  35020: 'LLDP',
  35041: 'HomePlug AV',
  35045: 'MACsec',
  35047: '802.1ah',
  35063: 'PTP',
  35074: 'CFM',
  35078: 'FCoE',
  35093: 'RoCE',
  36864: 'loopback test',
};

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  17: 'UDP',
  47: 'GRE',
  50: 'ESP',
  58: 'ICMPv6',
  59: 'no next header',
  89: 'OSPF',
  97: 'EtherIP',
  103: 'PIM',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
  136: 'UDP-Lite',
};

const PPP_PROTOCOLS: Readonly<Record<number, string>> = {
  45: 'compressed TCP',
  47: 'uncompressed TCP',
  61: 'multilink',
  253: 'compressed',
  32801: 'IPCP',
  32855: 'IPv6CP',
  49185: 'LCP',
  49187: 'PAP',
  49699: 'CHAP',
};

const LLC: Readonly<Record<number, string>> = {
  66: 'STP',
  170: 'SNAP of another organisation',
  224: 'IPX',
  240: 'NetBIOS',
  254: 'OSI',
  255: 'IPX',
};

const LINK_TYPES: Readonly<Record<number, string>> = {
  3: 'AX25',
  6: 'IEEE802_5',
  7: 'ARCNET_BSD',
  8: 'SLIP',
  10: 'FDDI',
  11: 'ATM_RFC1483',
  100: 'ATM_RFC1483',
  107: 'FRELAY',
  114: 'LTALK',
  122: 'IP_OVER_FC',
  123: 'SUNATM',
  129: 'ARCNET_LINUX',
  138: 'APPLE_IP_OVER_IEEE1394',
  143: 'DOCSIS',
  144: 'LINUX_IRDA',
  178: 'JUNIPER_ETHER',
  186: 'USB_FREEBSD',
  187: 'BLUETOOTH_HCI_H4',
  189: 'USB_LINUX',
  195: 'IEEE802_15_4_WITHFCS',
  201: 'BLUETOOTH_HCI_H4_WITH_PHDR',
  209: 'IPMB_LINUX',
  220: 'USB_LINUX_MMAPPED',
  227: 'CAN_SOCKETCAN',
  230: 'IEEE802_15_4_NOFCS',
  231: 'DBUS',
  240: 'NETANALYZER',
  242: 'IPOIB',
  247: 'INFINIBAND',
  249: 'USBPCAP',
  251: 'BLUETOOTH_LE_LL',
  252: 'WIRESHARK_UPPER_PDU',
  253: 'NETLINK',
  254: 'BLUETOOTH_LINUX_MONITOR',
  271: 'VSOCK',
  280: 'VPP_DISPATCH',
};
/** LINKTYPE_USER0 to 15. */
const USER_MIN = 147;
const USER_MAX = 162;

/** "EtherType 0x88cc (LLDP)", "link type 189 (USB_LINUX)", "IP protocol 50 (ESP)". */
export function numberText(next: number): string {
  const number = next & 0xffff;
  switch (next & ~0xffff) {
    case Kind.etherType:
      return named(`EtherType ${hexadecimal(number, 4)}`, ETHER_TYPES[number]);
    case Kind.link:
      return named(`link type ${number}`, linkTypeName(number));
    case Kind.protocol:
      return named(`IP protocol ${number}`, PROTOCOLS[number]);
    case Kind.ppp:
      return named(`PPP protocol ${hexadecimal(number, 4)}`, PPP_PROTOCOLS[number]);
    case Kind.llc:
      return named(`LLC ${hexadecimal(number, 2)}`, LLC[number]);
    case Kind.wlan:
      return `802.11 frame control ${hexadecimal(number, 2)}`;
    default:
      return `IP version ${number}`;
  }
}

function linkTypeName(number: number): string | undefined {
  return number >= USER_MIN && number <= USER_MAX ? `USER${number - USER_MIN}` : LINK_TYPES[number];
}

function named(text: string, name: string | undefined): string {
  return name === undefined ? text : `${text} (${name})`;
}

function hexadecimal(number: number, digits: number): string {
  return `0x${number.toString(16).padStart(digits, '0')}`;
}
