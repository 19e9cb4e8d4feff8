/** Placeholder for what the local satellite makes of a request's body. */
export interface SatelliteTrace {
  readonly traceId: string;
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly status: number | null;
  readonly durationNano: number;
  readonly environment: string;
  readonly organization: string;
  readonly serviceName: string;
}
