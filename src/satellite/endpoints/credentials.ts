/**
 * Which headers, cookies and query parameters are credentials, and which headers say nothing of an API.
 *
 * in: names, and the value of `Authorization` · out: `http bearer`, `apiKey header x-api-key`, …: how a security scheme is named
 */
const KEY_NAME =
  /^(?:x-)?(?:[a-z0-9]+[-_])*(?:api[-_]?key|apikey|app[-_]?key|access[-_]?key|subscription[-_]key|auth|auth[-_]?key|token|auth[-_]?token|access[-_]?token|secret|signature|session[-_]?token)$/i;
const QUERY_KEY =
  /^(?:api[-_]?key|apikey|app[-_]?key|appid|app_id|access[-_]?token|auth[-_]?token|token|subscription[-_]key|sig|signature)$/i;
const COOKIE_KEY = /(?:sess|sid$|auth|token|jwt|login|remember)/i;

/** What belongs to the connection, the client, caches, proxies and tracing, and not to the API. */
const ORDINARY_REQUEST = new Set(
  `accept accept-charset accept-encoding accept-language access-control-request-headers access-control-request-method alt-used
  authorization baggage b3 cache-control cdn-loop connection content-encoding content-length content-md5 content-type cookie date dnt
  expect forwarded from host http2-settings if-modified-since if-none-match if-range keep-alive max-forwards origin pragma priority
  proxy-authorization proxy-connection range referer save-data te traceparent tracestate trailer transfer-encoding
  uber-trace-id upgrade upgrade-insecure-requests user-agent via x-amzn-trace-id x-cloud-trace-context x-original-uri
  x-real-ip x-requested-with x-scheme`.split(/\s+/),
);
const ORDINARY_REQUEST_PREFIX =
  /^(?::|sec-|x-forwarded-|x-envoy-|x-b3-|x-ot-span-|cf-|x-amz-cf-|x-datadog-|grpc-|proxy-|fastly-|x-azure-|x-cloud-|x-newrelic)/;

const ORDINARY_RESPONSE = new Set(
  `accept-ranges age allow alt-svc cache-control connection content-disposition content-encoding content-language content-length
  content-location content-md5 content-range content-security-policy content-type date etag expect-ct expires keep-alive last-modified
  nel p3p pragma proxy-authenticate referrer-policy report-to permissions-policy server server-timing set-cookie strict-transport-security
  trailer transfer-encoding upgrade vary via www-authenticate x-cache x-cache-hits x-content-type-options x-download-options
  x-frame-options x-permitted-cross-domain-policies x-powered-by x-runtime x-served-by x-timer x-xss-protection`.split(
    /\s+/,
  ),
);
const ORDINARY_RESPONSE_PREFIX = /^(?::|access-control-|cross-origin-|cf-|x-amz-cf-|x-envoy-|grpc-|sec-|x-datadog-)/;

export const isOrdinaryRequestHeader = (name: string): boolean =>
  ORDINARY_REQUEST.has(name) || ORDINARY_REQUEST_PREFIX.test(name);

export const isOrdinaryResponseHeader = (name: string): boolean =>
  ORDINARY_RESPONSE.has(name) || ORDINARY_RESPONSE_PREFIX.test(name);

export const isKeyHeader = (name: string): boolean => KEY_NAME.test(name);
export const isKeyQuery = (name: string): boolean => QUERY_KEY.test(name);
export const isKeyCookie = (name: string): boolean => COOKIE_KEY.test(name);

/** The scheme of an `Authorization` header; RFC 9110 §11.6.2. */
export function authorizationKind(value: string): string {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]{0,30})(?:\s|$)/.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === 'redacted' || !value.includes(' ')) return 'apiKey header authorization';
  return KNOWN_SCHEMES.has(scheme) ? `http ${scheme}` : 'apiKey header authorization';
}

/** https://www.iana.org/assignments/http-authschemes */
const KNOWN_SCHEMES = new Set([
  'basic',
  'bearer',
  'digest',
  'hoba',
  'mutual',
  'negotiate',
  'oauth',
  'scram-sha-256',
  'vapid',
  'dpop',
]);
