/** Whose traces they are, as OpenTelemetry resource attributes: built once, sent with every batch. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { SatelliteSettings } from '../settings.js';
import type { ResourceAttributes } from './encoder.js';

export function resourceAttributes(settings: SatelliteSettings): ResourceAttributes {
  const attributes: ResourceAttributes = {
    'service.name': settings.serviceName,
    'service.instance.id': randomUUID(),
    'host.name': hostname(),
    'telemetry.sdk.name': 'pcap-sensor',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': settings.sensorVersion,
  };
  if (settings.environment !== '') {
    attributes['deployment.environment.name'] = settings.environment;
    attributes['levo.env'] = settings.environment;
  }
  if (settings.organizationId !== '') attributes['levo.organization.id'] = settings.organizationId;
  if (settings.workspaceId !== '') attributes['levo.workspace.id'] = settings.workspaceId;
  return { ...attributes, ...settings.resource };
}
