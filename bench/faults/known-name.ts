/** The name the satellite has, where it has one; `.test` is nobody's (RFC 6761 §6.2). */
export const KNOWN_NAME = 'satellite.test';
