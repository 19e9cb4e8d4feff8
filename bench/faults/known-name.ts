/** The satellite's name, where it has one; nobody owns `.test` (RFC 6761 §6.2). */
export const KNOWN_NAME = 'satellite.test';
