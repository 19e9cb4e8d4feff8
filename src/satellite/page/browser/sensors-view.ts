/** The sensors, and what was lost on the way; and what became of what they sent. */
import { ask, type Unanswered } from './ask.js';
import { html, type Node, useEffect, useState } from './vendor/preact.js';
import { ago, count, dateTime, size } from './words.js';

interface Sensor {
  readonly service: string;
  readonly environment: string;
  readonly host: string;
  readonly instance: string;
  readonly version: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly traces: number;
  readonly damaged: number;
  readonly watchedShare: number | null;
}

interface Facts {
  readonly stored: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly evicted: number;
  readonly deleted: number;
  readonly held: number;
  readonly bytes: number;
  readonly oldest: number | null;
  readonly newest: number | null;
}

const REFRESH_MILLIS = 5000;
/** Silent for longer, a sensor may be gone. */
const SILENT_MICROS = 15 * 60e6;

export function SensorsView({ onFailure }: { onFailure(error: Unanswered): void }): Node {
  const [sensors, setSensors] = useState<readonly Sensor[]>([]);
  const [facts, setFacts] = useState<Facts | null>(null);
  useEffect(() => {
    const refresh = (): void => {
      Promise.all([ask<Sensor[]>('sensors'), ask<Facts>('facts')]).then(([who, what]) => {
        setSensors(who);
        setFacts(what);
      }, onFailure);
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MILLIS);
    return () => clearInterval(timer);
  }, []);
  return html`<main class="sensors">
    <h2>Sensors</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Sensors">
      <table class="wide">
        <thead><tr>${['Service', 'Environment', 'Host', 'Instance', 'Version', 'First seen', 'Last seen', 'Traces', 'Damaged by loss', 'Watched'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${sensors.map(drawSensor)}</tbody>
      </table>
    </div>
    ${sensors.length === 0 && html`<p class="nothing">${facts === null ? '…' : 'Nothing has been sent yet.'}</p>`}
    ${
      facts !== null &&
      html`<h2>What is kept</h2>
      <dl class="facts">
        <dt>held now</dt><dd>${count(facts.held)} traces, ${size(facts.bytes)}</dd>
        <dt>from, to</dt><dd>${facts.oldest === null || facts.newest === null ? 'nothing' : `${dateTime(facts.oldest)} – ${dateTime(facts.newest)}`}</dd>
        <dt>kept since the beginning</dt><dd>${count(facts.stored)}</dd>
        <dt>sent again, kept once</dt><dd>${count(facts.duplicates)}</dd>
        <dt>refused, as they were no traces</dt><dd>${count(facts.rejected)}</dd>
        <dt>gone by retention</dt><dd>${count(facts.evicted)}</dd>
        <dt>deleted</dt><dd>${count(facts.deleted)}</dd>
      </dl>`
    }
  </main>`;
}

function drawSensor(sensor: Sensor): Node {
  const { service, environment, host, instance, version, firstSeen, lastSeen, traces, damaged, watchedShare } = sensor;
  const isSilent = Date.now() * 1000 - lastSeen > SILENT_MICROS;
  return html`<tr>
    <th scope="row">${service || 'without a name'}</th>
    <td>${environment}</td>
    <td>${host}</td>
    <td class="id">${instance}</td>
    <td>${version}</td>
    <td>${dateTime(firstSeen)}</td>
    <td>${isSilent ? html`<b class="cut">silent, ${ago(lastSeen)}</b>` : ago(lastSeen)}</td>
    <td class="number">${count(traces)}</td>
    <td class="number">${damaged === 0 ? '0' : html`<a href=${`/?filter=${encodeURIComponent(`service=${JSON.stringify(service)} mark:gap,drops,midstream,shed,no-response,unfinished`)}`}>${count(damaged)}</a>`}</td>
    <td class="number">${watchedShare === null ? 'all' : `${Math.round(watchedShare * 100)} %`}</td>
  </tr>`;
}
