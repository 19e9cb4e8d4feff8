/** How the page looks, in light and dark. Contrast is at least 4.5 in both. */

const LIGHT = `
  --back: #ffffff; --over: #f4f5f7; --line: #d5d9e0; --text: #1b1f27; --soft: #565f6e; --accent: #0b5cad;
  --chosen: #dcebfb; --bad: #b3261e; --warn: #8a5300; --good: #1b6e3c; --mark: #fff1c2; --marked: #5c4300;
`;
const DARK = `
  --back: #14171c; --over: #1d2128; --line: #363d49; --text: #e6e9ee; --soft: #a3adbb; --accent: #7db8f5;
  --chosen: #1f3a57; --bad: #ff9a90; --warn: #f0b45c; --good: #79d39b; --mark: #4a3c10; --marked: #ffe08a;
`;

export const STYLE = `
:root { color-scheme: light; ${LIGHT} }
:root[data-theme="dark"] { color-scheme: dark; ${DARK} }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { color-scheme: dark; ${DARK} } }
* { box-sizing: border-box; }
html, body, #app { height: 100%; margin: 0; }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--text); background: var(--back); }
#app { display: flex; flex-direction: column; }
h1, h2, h3, p, dl, figure, ul { margin: 0; }
h1 { font-size: 16px; } h2 { font-size: 15px; } h3 { font-size: 13px; }
code, pre, kbd, .path, .method, .id { font-family: ui-monospace, monospace; font-size: 12.5px; }
a { color: var(--accent); }
button, input, select, textarea { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 5px; padding: 3px 9px; }
button { cursor: pointer; background: var(--over); }
button[aria-pressed="true"], [role="tab"][aria-selected="true"] { background: var(--chosen); border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.soft, .about, .nothing { color: var(--soft); }
.nothing { padding: 12px; }
.wrong { color: var(--bad); } .wrong:empty { display: none; }
.failure { padding: 6px 12px; }
.top { display: flex; gap: 16px; align-items: center; padding: 8px 12px; background: var(--over); border-bottom: 1px solid var(--line); }
.top nav { display: flex; gap: 4px; flex-wrap: wrap; }
.top nav a { padding: 3px 10px; border-radius: 5px; text-decoration: none; }
.top nav a[aria-current="page"] { background: var(--chosen); color: var(--text); }
.top .right { margin-left: auto; display: flex; gap: 6px; }
main { flex: 1; min-height: 0; display: flex; flex-direction: column; }
.bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: start; padding: 8px 12px; }
.filter { flex: 1 1 420px; display: flex; flex-wrap: wrap; gap: 6px; }
.filter .box { position: relative; flex: 1; min-width: 220px; }
.filter input { width: 100%; font-family: ui-monospace, monospace; }
.filter .wrong { flex-basis: 100%; }
.filter .wrong mark { background: none; color: inherit; text-decoration: underline wavy; }
#offers { position: absolute; z-index: 3; left: 0; right: 0; max-height: 300px; overflow: auto; list-style: none; padding: 4px; background: var(--back); border: 1px solid var(--line); border-radius: 5px; box-shadow: 0 4px 14px #0004; }
#offers li { padding: 3px 8px; cursor: pointer; border-radius: 4px; }
#offers li[aria-selected="true"], #offers li:hover { background: var(--chosen); }
#offers span { color: var(--soft); }
.tools { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; padding-top: 2px; }
.plots { display: flex; flex-wrap: wrap; gap: 12px; padding: 0 12px 6px; }
.plots figure { flex: 1 1 320px; min-width: 0; }
.plots figcaption { color: var(--soft); font-size: 12px; }
.plot { height: 90px; overflow: hidden; }
.panes { flex: 1; min-height: 0; display: flex; border-top: 1px solid var(--line); }
.list { flex: 1 1 50%; min-width: 0; overflow: auto; overflow-anchor: none; position: relative; }
.row { display: grid; grid-template-columns: 96px 70px 52px minmax(90px, 1fr) minmax(160px, 3fr) 78px 78px minmax(60px, 1fr); gap: 10px; height: 28px; line-height: 28px; padding: 0 12px; white-space: nowrap; border-bottom: 1px solid var(--line); }
.row > span { overflow: hidden; text-overflow: ellipsis; }
.row:not(.head) { cursor: pointer; }
.row:not(.head):hover { background: var(--over); }
.row[aria-selected="true"], .row[aria-selected="true"]:hover { background: var(--chosen); }
.row.head { position: sticky; top: 0; z-index: 2; background: var(--over); color: var(--soft); font-size: 12px; }
.row.head span { font: inherit; color: inherit; }
.row .duration, .row .size { text-align: right; font-variant-numeric: tabular-nums; }
.row i { color: var(--soft); font-style: normal; }
.row .marks b { color: var(--warn); font-weight: 600; font-size: 12px; }
.row .marks em { color: var(--soft); font-style: normal; font-size: 12px; }
.status { font-variant-numeric: tabular-nums; font-weight: 600; }
.status.failed { color: var(--bad); } .status.refused { color: var(--warn); } .status.fine { color: var(--good); } .status.moved { color: var(--accent); }
.both .list .row { grid-template-columns: 96px 70px 52px minmax(140px, 1fr) 78px; }
.both .list .host, .both .list .size, .both .list .marks { display: none; }
.detail { flex: 1 1 50%; min-width: 0; overflow: auto; padding: 10px 14px; border-left: 1px solid var(--line); display: flex; flex-direction: column; gap: 8px; }
.detail header { display: flex; gap: 8px; align-items: start; }
.detail h2 { overflow-wrap: anywhere; font-weight: 600; }
.detail .close { margin-left: auto; }
.explained { padding-left: 18px; }
.mark, .cut { color: var(--warn); }
mark.redacted, b.redacted { background: var(--mark); color: var(--marked); border-radius: 3px; padding: 0 3px; }
mark.cut { background: var(--mark); color: var(--marked); }
.actions, .tabs, .forms { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.said { color: var(--soft); overflow-wrap: anywhere; }
.tabs button { text-transform: capitalize; }
.pairs { border-collapse: collapse; width: 100%; }
.pairs th, .pairs td { text-align: left; vertical-align: top; padding: 2px 8px 2px 0; font-weight: 400; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: 12.5px; }
.pairs th { color: var(--soft); width: 30%; }
summary { cursor: pointer; padding: 4px 0; }
pre { margin: 6px 0; padding: 8px; background: var(--over); border: 1px solid var(--line); border-radius: 5px; overflow: auto; max-height: 60vh; white-space: pre-wrap; overflow-wrap: anywhere; }
.message { border-top: 1px solid var(--line); padding-top: 6px; }
.lane { display: grid; grid-template-columns: 80px 1fr 80px; gap: 8px; align-items: center; }
.lane .track { background: var(--over); height: 14px; border-radius: 3px; overflow: hidden; }
.lane .bar { display: block; padding: 0; height: 100%; }
.bar.send { background: var(--accent); } .bar.wait { background: var(--soft); } .bar.receive { background: var(--good); }
.timing .pairs { margin-top: 10px; }
.sensors { padding: 12px; gap: 10px; overflow: auto; }
.scroll { flex: none; overflow-x: auto; }
.wide { border-collapse: collapse; white-space: nowrap; }
.wide th, .wide td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); }
.wide thead th { color: var(--soft); font-size: 12px; }
.wide .number { text-align: right; font-variant-numeric: tabular-nums; }
.document textarea { display: block; width: 100%; font-family: ui-monospace, monospace; }
.link { border: 0; background: none; padding: 0; color: var(--accent); text-decoration: underline; }
.operation { border-bottom: 1px solid var(--line); }
.wide td details pre { white-space: pre; }
.sensors .bar { padding: 0; align-items: center; gap: 16px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 3px 16px; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; }
.sensors .filter { flex: none; align-items: center; } .sensors .filter input { width: auto; }
svg.map { display: block; font-size: 12px; }
.map .node rect { fill: var(--over); stroke: var(--line); } .map .node.service rect { fill: var(--chosen); stroke: var(--accent); }
.map .node.callers rect { stroke-dasharray: 4 3; }
.map text { fill: var(--text); } .map text.soft, .map .edge text { fill: var(--soft); font-size: 11px; }
.map .edge path { stroke: var(--good); } .map .edge.refused path { stroke: var(--warn); } .map .edge.failed path { stroke: var(--bad); }
.map .edge.failed text { fill: var(--bad); }
dialog { color: var(--text); background: var(--back); border: 1px solid var(--line); border-radius: 8px; max-width: 460px; }
dialog dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 10px 0; } dialog dd { margin: 0; }
.token { padding: 40px; gap: 12px; max-width: 480px; } .token form { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 800px) {
  .list .row { grid-template-columns: 60px 44px minmax(120px, 1fr) 70px; }
  .list .time, .list .host, .list .size, .list .marks { display: none; }
  .both .list .row { grid-template-columns: 60px 44px minmax(120px, 1fr) 70px; }
  .both .panes { flex-direction: column; }
  .both .plots { display: none; }
  .detail { border-left: 0; border-top: 1px solid var(--line); flex-basis: 65%; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`;
