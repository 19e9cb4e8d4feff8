/** The agents that call, and how they are: by service and version, and each by itself; budgets, and what was asked of whom. */
import { ask, type Unanswered } from './ask.js';
import type { PageEvent } from './dom.js';
import { html, type Node, useEffect, useState } from './vendor/preact.js';
import { ago, count } from './words.js';

interface Agent {
  readonly id: string;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly host: string;
  readonly lastSeen: number;
  readonly hasEnded: boolean;
  readonly isSigned: boolean;
  readonly healthy: boolean | null;
  readonly status: string;
  readonly lastError: string;
  readonly components: readonly {
    readonly name: string;
    readonly healthy: boolean;
    readonly status: string;
    readonly lastError: string;
  }[];
  readonly configuration: {
    readonly status: 'none' | 'applied' | 'applying' | 'failed';
    readonly refused: string;
    readonly effective: string | null;
  };
}

interface Budget {
  readonly scope: string;
  readonly name: string;
  readonly perMinute: number;
  readonly sensors: number;
  readonly asked: number;
  readonly leased: number;
  readonly kept: number;
}

interface Shared {
  readonly groups: readonly { readonly sensors: readonly string[]; readonly ways: number }[];
}

const REFRESH_MILLIS = 5000;
const AGENTS_SHOWN_MAX = 200;
/** Six polls without a word. */
const SILENT_MICROS = 30e6;
/** What was lost, and what was not looked at, by the books of a sensor. */
const LOST = ['exchanges_dropped_undeliverable', 'output_traces_lost', 'recovered_traces_dropped', 'elsewhere_lost'];
const UNWATCHED = ['exchanges_dropped_unwatched'];
const BUDGET = 'budget_traces_per_minute';

export function FleetView({ onFailure }: { onFailure(error: Unanswered): void }): Node {
  const [agents, setAgents] = useState<readonly Agent[] | null>(null);
  const [budgets, setBudgets] = useState<readonly Budget[]>([]);
  const [shared, setShared] = useState<Shared>({ groups: [] });
  const [word, setWord] = useState('');
  const [open, setOpen] = useState<string | null>(null);
  useEffect(() => {
    const refresh = (): void => {
      Promise.all([
        ask<{ agents: Agent[] }>('fleet'),
        ask<{ budgets: Budget[] }>('fleet/budgets'),
        ask<Shared>('fleet/connections'),
      ]).then(([fleet, given, divided]) => {
        setAgents(fleet.agents);
        setBudgets(given.budgets);
        setShared(divided);
      }, onFailure);
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MILLIS);
    return () => clearInterval(timer);
  }, []);
  const all = agents ?? [];
  const wanted = word.toLowerCase();
  const found = all.filter((agent) =>
    [agent.id, agent.service, agent.environment, agent.version, agent.host].some((text) =>
      text.toLowerCase().includes(wanted),
    ),
  );
  return html`<main class="sensors">
    <h2>Fleet</h2>
    ${drawGroups(all)}
    ${all.length === 0 && html`<p class="nothing">${agents === null ? '…' : 'No sensor is enrolled, and no OpAMP agent has called.'}</p>`}
    ${budgets.length > 0 && drawBudgets(budgets)}
    ${shared.groups.length > 0 && html`<p class="soft">${count(new Set(shared.groups.flatMap(({ sensors }) => sensors)).size)} sensors share connections that several of them see, in ${count(shared.groups.length)} groups.</p>`}
    <div class="bar">
      <h2>${count(found.length)} agents</h2>
      <label>find <input type="search" value=${word} onInput=${(event: PageEvent) => setWord(event.target.value)} /></label>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label="Agents">
      <table class="wide">
        <thead><tr>${['Agent', 'Service', 'Environment', 'Version', 'Host', 'State', 'Lost', 'Not watched', 'Budget, a minute', 'Configuration', 'Last seen'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${found.slice(0, AGENTS_SHOWN_MAX).map((agent) => {
          const isOpen = open === agent.id;
          return html`${drawAgent(agent, isOpen, () => setOpen(isOpen ? null : agent.id))}
            ${isOpen && html`<tr key=${`${agent.id} more`}><td colspan="11">${drawMore(agent)}</td></tr>`}`;
        })}</tbody>
      </table>
    </div>
    ${found.length > AGENTS_SHOWN_MAX && html`<p class="soft">The ${AGENTS_SHOWN_MAX} heard of last are here; find others by name.</p>`}
  </main>`;
}

/** Sums over the books of those that run. */
function drawGroups(agents: readonly Agent[]): Node {
  const groups = new Map<string, Agent[]>();
  for (const agent of agents) {
    if (agent.hasEnded) continue;
    const key = JSON.stringify([agent.service, agent.environment, agent.version]);
    groups.set(key, [...(groups.get(key) ?? []), agent]);
  }
  const sum = (of: readonly Agent[], names: readonly string[]): number =>
    of.reduce((total, agent) => total + bookOf(agent, names), 0);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Services and versions">
    <table class="wide">
      <thead><tr>${['Service', 'Environment', 'Version', 'Sensors', 'Unwell', 'Silent', 'Lost', 'Not watched', 'Budget, a minute', 'Refused'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${[...groups]
        .sort(([one], [other]) => one.localeCompare(other))
        .map(([key, of]) => {
          const [first] = of;
          return html`<tr key=${key}>
          <th scope="row">${first?.service || 'without a name'}</th><td>${first?.environment}</td><td>${first?.version}</td>
          <td class="number">${count(of.length)}</td>
          <td class="number">${warned(of.filter(({ healthy }) => healthy === false).length)}</td>
          <td class="number">${warned(of.filter(isSilent).length)}</td>
          <td class="number">${warned(sum(of, LOST))}</td>
          <td class="number">${warned(sum(of, UNWATCHED))}</td>
          <td class="number">${count(sum(of, [BUDGET]))}</td>
          <td class="number">${warned(of.filter(({ configuration }) => configuration.status === 'failed').length)}</td>
        </tr>`;
        })}</tbody>
    </table>
  </div>`;
}

function drawBudgets(budgets: readonly Budget[]): Node {
  return html`<h2>Budgets, in traces a minute</h2>
  <div class="scroll" tabindex="0" role="region" aria-label="Budgets">
    <table class="wide">
      <thead><tr>${['For', 'Budget', 'Sensors', 'Seen', 'Given', 'Kept'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${budgets.map(
        ({ scope, name, perMinute, sensors, asked, leased, kept }) => html`<tr key=${`${scope} ${name}`}>
          <th scope="row">${scope === 'all' ? 'all' : `${scope} ${name}`}</th>
          ${[perMinute, sensors, asked, leased, kept].map((value) => html`<td class="number">${count(Math.round(value))}</td>`)}
        </tr>`,
      )}</tbody>
    </table>
  </div>`;
}

function drawAgent(agent: Agent, isOpen: boolean, toggle: () => void): Node {
  const { id, service, environment, version, host, configuration, lastSeen } = agent;
  const budget = bookOf(agent, [BUDGET]);
  return html`<tr key=${id}>
    <td class="id"><button type="button" aria-expanded=${isOpen ? 'true' : 'false'} onClick=${toggle}>${id.slice(-12)}</button></td>
    <th scope="row">${service || 'without a name'}</th>
    <td>${environment}</td>
    <td>${version}</td>
    <td>${host}</td>
    <td>${stateOf(agent)}</td>
    <td class="number">${warned(bookOf(agent, LOST))}</td>
    <td class="number">${warned(bookOf(agent, UNWATCHED))}</td>
    <td class="number">${budget === 0 ? 'own limit' : count(budget)}</td>
    <td>${configuration.status === 'failed' ? html`<b class="cut">refused</b>` : CONFIGURATIONS[configuration.status]}</td>
    <td>${ago(lastSeen)}</td>
  </tr>`;
}

const CONFIGURATIONS = { none: 'its own', applied: 'in force', applying: 'being applied', failed: 'refused' } as const;

function drawMore({ id, isSigned, status, lastError, configuration, components }: Agent): Node {
  const ill = components.filter(({ healthy, status: how, lastError: why }) => why !== '' || (!healthy && how !== ''));
  const books = components.filter(({ name }) => name.startsWith('books/'));
  return html`<dl class="facts">
    <dt>instance</dt><dd class="id">${id}${isSigned ? '' : ', which signs nothing'}</dd>
    <dt>says of itself</dt><dd>${status || 'nothing'}${lastError !== '' && html`: <b class="cut">${lastError}</b>`}</dd>
    ${ill.map(({ name, status: how, lastError: why }) => html`<dt>${name}</dt><dd class="cut">${how} ${why}</dd>`)}
    ${configuration.refused !== '' && html`<dt>refused, because</dt><dd class="cut">${configuration.refused}</dd>`}
    <dt>in force</dt><dd>${configuration.effective === null ? 'it does not say' : html`<pre>${pretty(configuration.effective)}</pre>`}</dd>
    <dt>books</dt><dd>${books.length === 0 ? 'none' : html`<pre>${books.map(({ name, status: how }) => `${name.slice('books/'.length)} ${how}\n`)}</pre>`}</dd>
  </dl>`;
}

function stateOf(agent: Agent): Node {
  const { hasEnded, healthy, status, lastError } = agent;
  if (hasEnded) return 'ended';
  if (isSilent(agent)) return html`<b class="cut">silent</b>`;
  return healthy === false ? html`<b class="cut">${status || lastError || 'unwell'}</b>` : status || 'well';
}

const isSilent = ({ hasEnded, lastSeen }: Agent): boolean => !hasEnded && Date.now() * 1000 - lastSeen > SILENT_MICROS;

function bookOf({ components }: Agent, names: readonly string[]): number {
  return components.reduce(
    (sum, { name, status }) => sum + (names.includes(name.replace('books/', '')) ? Number(status) || 0 : 0),
    0,
  );
}

const warned = (value: number): Node => (value === 0 ? '0' : html`<b class="cut">${count(value)}</b>`);

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
