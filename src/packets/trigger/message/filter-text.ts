/**
 * What is wrong with the filter of a message before libpcap sees it, as libpcap compiles in this thread for as long as it takes:
 * it asks the resolver about every name, and its optimizer takes seconds for a long list.
 *
 * in: an expression (pcap-filter(7)) · out: a reason to refuse it, or null · pure
 *
 * A word that is neither a keyword nor a number nor an address would be looked up as a host, wherever it stands. Names of ports and
 * protocols come from files.
 */
import { isIPv6 } from 'node:net';

/** 0.15 s at most; of twice the length, a list of ports takes 1 s, and of four times the length 9 s. */
export const FILTER_CHARACTERS_MAX = 1024;

const KEYWORDS = new Set(
  `dst src link ether arp rarp ip sctp tcp udp igmp igrp pim vrrp carp radio wlan ta ra addr1 addr2 addr3 addr4 address1 address2
  address3 address4 ppp slip fddi tr atalk aarp decnet lat moprc mopdl host net mask port portrange proto protochain type subtype
  direction dir less greater byte broadcast multicast and or not len length inbound outbound ifindex vlan mpls pppoed pppoes geneve
  vxlan lane llc metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect on ifname rset ruleset rnr rulenum srnr
  subrulenum reason action fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls ip6 ipv6 icmp icmp6 ipv6-icmp ah esp
  stp ipx netbeui iso es-is esis is-is isis clnp l1 l2 iih lsp snp csnp psnp i s u rr rnr rej ui ua disc sabme test xid frmr
  icmptype icmpcode icmp-echoreply icmp-unreach icmp-sourcequench icmp-redirect icmp-echo icmp-routeradvert icmp-routersolicit
  icmp-timxceed icmp-paramprob icmp-tstamp icmp-tstampreply icmp-ireq icmp-ireqreply icmp-maskreq icmp-maskreply icmp6type icmp6code
  icmp6-destinationrunreach icmp6-destinationunreach icmp6-packettoobig icmp6-timeexceeded icmp6-parameterproblem icmp6-echo
  icmp6-echoreply icmp6-multicastlistenerquery icmp6-multicastlistenerreportv1 icmp6-multicastlistenerdone icmp6-routersolicit
  icmp6-routeradvert icmp6-neighborsolicit icmp6-neighboradvert icmp6-redirect icmp6-routerrenum icmp6-nodeinformationquery
  icmp6-nodeinformationresponse icmp6-ineighbordiscoverysolicit icmp6-ineighbordiscoveryadvert icmp6-multicastlistenerreportv2
  icmp6-homeagentdiscoveryrequest icmp6-homeagentdiscoveryreply icmp6-mobileprefixsolicit icmp6-mobileprefixadvert
  icmp6-certpathsolicit icmp6-certpathadvert icmp6-multicastrouteradvert icmp6-multicastroutersolicit icmp6-multicastroutertermination
  tcpflags tcp-fin tcp-syn tcp-rst tcp-push tcp-ack tcp-urg tcp-ece tcp-cwr`.split(/\s+/),
);

/** Behind these stands a name that libpcap has a table or a file for. */
const TAKES_NAME = new Set(
  'port portrange proto protochain type subtype direction dir reason action on ifname rset ruleset'.split(' '),
);
/** What may stand between such a word and a second name: `port http or https`. */
const JOINS = new Set(['or', 'and', 'not']);

export function filterFault(filter: string): string | null {
  if (filter.length > FILTER_CHARACTERS_MAX)
    return `bpf has ${filter.length} characters, and ${FILTER_CHARACTERS_MAX} is the most; give ranges and networks instead of lists`;
  let isName = false;
  // Between brackets no name is looked up, and a place may be written `icmptype:1`.
  for (const [word] of filter.replaceAll(/\[[^\]]*\]/g, ' ').matchAll(/[\w.:\\][\w.:\\-]*/g)) {
    const lower = word.toLowerCase();
    if (TAKES_NAME.has(lower)) isName = true;
    else if (JOINS.has(lower)) continue;
    else if (KEYWORDS.has(lower)) isName = false;
    else if (!isName && !isNumeric(lower))
      return `bpf names ${JSON.stringify(word.slice(0, 64))}, and names are not resolved here; give an address`;
  }
  return null;
}

/** A number, an address, a range of ports, or a hardware address. */
function isNumeric(word: string): boolean {
  if (/^(0x[0-9a-f]+|\d+)(-\d+)?$/.test(word) || /^\d+(\.\d+){1,3}$/.test(word)) return true;
  return isIPv6(word) || /^\$?[0-9a-f]{1,2}([:.-][0-9a-f]{1,2}){5}$/.test(word);
}
