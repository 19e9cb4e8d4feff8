/** Captures in which the sensor is right and the expectation is not, each with the RFC section or the bytes that say so. */
const INCOMPLETE =
  'RFC 9112 §8: the response is incomplete when the connection closes, so tshark gives none; its head was on the wire, and the exchange says "aborted"';
const FRAMING =
  'RFC 9112 §7.1: the body is not chunked though Transfer-Encoding says so, and tshark gives up on the whole response; its head was on the wire, and the exchange says "malformed"';

export const EXCEPTIONS: Readonly<Record<string, { reason: string; actual: string[] }>> = {
  'bug-7851-01__connect.pcap': {
    reason: 'RFC 9110 §9.3.6: frames 4 and 6 are CONNECT and its 200; the expectation leaves the pair out',
    actual: ['192.168.0.233:44123 > 142.250.179.206:80 CONNECT / host=null 200'],
  },
  'http-evader__http-evader-026__input.pcap': {
    reason: INCOMPLETE,
    actual: ['1.1.1.1:5349 > 8.8.8.8:80 GET /chunked/eicar.txt/finalchunk=0%5C012 host=evader.example.com 200'],
  },
  'http-evader__http-evader-028__input.pcap': {
    reason: INCOMPLETE,
    actual: ['1.1.1.1:5369 > 8.8.8.8:80 GET /chunked/eicar.txt/finalchunk=0 host=evader.example.com 200'],
  },
  'http-evader__http-evader-098__input.pcap': {
    reason: INCOMPLETE,
    actual: ['1.1.1.1:6289 > 8.8.8.8:80 GET /chunked/eicar.txt/nofinal host=evader.example.com 200'],
  },
  'http-evader__http-evader-208__input.pcap': {
    reason: INCOMPLETE,
    actual: [
      '1.1.1.1:11389 > 8.8.8.8:80 GET /compressed/eicar.txt/ce%3Agzip;gzip;replace%3A-8,8=;clen%2B8 host=evader.example.com 200',
    ],
  },
  'http-evader__http-evader-241__input.pcap': {
    reason: INCOMPLETE,
    actual: ['1.1.1.1:15059 > 8.8.8.8:80 GET /clen/eicar.txt/close,clen200,content host=evader.example.com 200'],
  },
  'http-evader__http-evader-044__input.pcap': {
    reason: FRAMING,
    actual: ['1.1.1.1:5525 > 8.8.8.8:80 GET /chunked/eicar.txt/chunked,http10,do_clen host=evader.example.com 200'],
  },
  'http-evader__http-evader-052__input.pcap': {
    reason: FRAMING,
    actual: [
      '1.1.1.1:5649 > 8.8.8.8:80 GET /chunked/eicar.txt/chunked,clen,HTTP/1.01,do_clen host=evader.example.com 200',
    ],
  },
  'http-evader__http-evader-082__input.pcap': {
    reason: FRAMING,
    actual: ['1.1.1.1:6029 > 8.8.8.8:80 GET /chunked/eicar.txt/xte,chunked,do_clen host=evader.example.com 200'],
  },
  'http-evader__http-evader-086__input.pcap': {
    reason: FRAMING,
    actual: ['1.1.1.1:6089 > 8.8.8.8:80 GET /chunked/eicar.txt/xte,chunked,clen,do_clen host=evader.example.com 200'],
  },
  'http-evader__http-evader-474__input.pcap': {
    reason:
      'RFC 9112 §4: a lenient recipient takes the tab for white space, so "HTTP/1.1 \\t200" is a 200; tshark reads three characters from the tab on and makes it 20',
    actual: ['1.1.1.1:22699 > 8.8.8.8:80 GET /broken/eicar.txt/tab-200 host=evader.example.com 200'],
  },
  'http-gap-simple__input.pcap': {
    reason:
      'RFC 9112 §6.3: 14 bytes of a 70-byte body are missing behind frame 16, which costs that body and nothing else; tshark gives up on the rest of the connection',
    actual: [
      '127.0.0.1:51297 > 127.0.0.1:8080 GET /1 host=null 200',
      '127.0.0.1:51297 > 127.0.0.1:8080 GET /2 host=null 200',
      '127.0.0.1:51297 > 127.0.0.1:8080 GET /3 host=null 200',
    ],
  },
  'http-response-line__input.pcap': {
    reason:
      'the capture ends behind the response head in frame 2 (Content-Length 7); tshark waits for the body, the exchange says "unfinished"',
    actual: ['::ffff:5.6.7.8:6666 > ::ffff:1.2.3.4:63 GET /index.html host=www.openinfosecfoundation.org 200'],
  },
  'tcp-urgp-01-oob__tcp-urgent1.pcap': {
    reason:
      'the first segment, "GET /malic", has no whole line, so tshark does not take port 9090 for HTTP; the request stands in frames 4, 5 and 8, the response in 10 and 12',
    actual: ['10.10.10.44:43950 > 10.10.10.55:9090 GET /malicXious host=10.10.10.55:9090 200'],
  },
  'tcp-urgp-04-2byte-XY__tcp-urgent-2byte-XY.pcap': {
    reason:
      'the first segment has no whole line, so tshark does not take port 9090 for HTTP; request and response are complete on the wire',
    actual: ['10.10.10.44:57796 > 10.10.10.55:9090 GET /malicXYious host=10.10.10.55:9090 200'],
  },
};
