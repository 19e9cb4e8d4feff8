/** Where agents call, by polling or over a WebSocket. */
export const OPAMP_PATH = '/v1/opamp';
