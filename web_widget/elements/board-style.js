/** Layout of `<tingban-board>`. */
export const BOARD = /* css */ `
.board { position: relative; display: grid; block-size: 100%; max-block-size: 100vh; grid-template: "top" auto "notices" auto "rows" minmax(0, 1fr) "side" auto / minmax(0, 1fr); overflow: hidden; }
.top { grid-area: top; display: flex; flex-wrap: wrap; align-items: center; gap: .4em 1em; padding: .55em 1.07em; background: var(--surface); border-block-end: 1px solid var(--line); }
.brand { display: flex; align-items: center; gap: .4em; font-weight: 600; letter-spacing: .06em; color: var(--accent); }
.top h2 { font-weight: 600; }
.count { color: var(--ink-2); font-size: .87em; min-inline-size: 4.5em; }
.filters { display: flex; gap: .5em; flex: 1 1 18em; min-inline-size: 0; }
.filters input, .filters select { font: inherit; font-size: .93em; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 7px; padding: .2em .6em; min-inline-size: 0; block-size: 2.1em; }
.filters input { flex: 1 1 8em; max-inline-size: 22em; }
.filters input::placeholder { color: var(--ink-3); opacity: 1; }
.link { display: flex; align-items: center; gap: .45em; font-size: .87em; color: var(--ink-2); margin-inline-start: auto; }
.link::before { content: ""; inline-size: .6em; block-size: .6em; border-radius: 50%; background: var(--ink-3); flex: none; }
.link[data-phase="open"]::before { background: var(--accent); }
.link[data-phase="waiting"], .link[data-phase="refused"] { color: var(--high); font-weight: 600; }
.link[data-phase="waiting"]::before, .link[data-phase="refused"]::before { background: none; border: 2px solid currentColor; }
.notices { grid-area: notices; font-size: .87em; }
.notice { padding: .3em 1.07em; display: flex; gap: .5em; align-items: center; border-block-end: 1px solid var(--line); background: var(--sunk); color: var(--ink-2); }
.notice[data-kind="trouble"] { background: var(--tint-high); color: var(--high); font-weight: 600; }
.notice button { font-weight: 600; text-decoration: underline; text-underline-offset: .2em; text-align: start; }
.notice[data-kind="danger"] { background: var(--tint-veto); color: var(--veto); font-weight: 600; }
.tool { display: inline-flex; align-items: center; gap: .3em; padding: .12em .6em; border: 1px solid var(--line); border-radius: 7px; font-size: .87em; color: var(--ink-2); background: var(--surface); white-space: nowrap; }
.tool:hover { color: var(--ink); border-color: var(--ink-3); }
.tool[aria-pressed="true"] { border-color: var(--accent); color: var(--ink); box-shadow: inset 0 0 0 1px var(--accent); }
.tool.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
.views { display: flex; gap: .25em; }
.raised { color: var(--on-critical); background: var(--high); border-radius: 99px; padding: 0 .6em; font-size: .82em; font-weight: 600; margin-inline-start: .3em; flex: none; }
.root[data-theme="dark"] .raised { color: #2b1a05; }
.raised:empty, .handled:empty { display: none; }
.handled { color: var(--accent); font-weight: 600; flex: none; }

.lead { padding: .5em .8em; border-block-end: 1px solid var(--line); background: var(--ground); font-size: .93em; }
.lead-tools { display: flex; flex-wrap: wrap; gap: .4em; }
.say-to { display: flex; gap: .35em; flex: 1 1 16em; min-inline-size: 0; }
.say-to input, .say-to select { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--line); border-radius: 7px; padding: .12em .5em; min-inline-size: 0; }
.say-to select { max-inline-size: 6.5em; }
.say-to input { flex: 1 1 6em; }
.say-to input::placeholder { color: var(--ink-3); opacity: 1; }
.told { color: var(--ink-2); font-size: .87em; min-block-size: 1.5em; }
.handle { max-block-size: 8.5em; overflow-y: auto; scrollbar-width: thin; }
.handle li { display: flex; flex-wrap: wrap; align-items: center; gap: .1em .6em; padding: .2em 0; border-block-start: 1px solid var(--line); }
.handle .kind { font-size: 1em; background: none; color: var(--tone, var(--ink)); }
.handle .hear { display: inline-flex; align-items: center; gap: .3em; color: var(--ink-2); min-inline-size: 0; flex: 1 1 6em; }
.handle .hear:hover { color: var(--ink); text-decoration: underline; }
.handle .by { color: var(--ink-3); font-size: .87em; }
.handle [data-handled="resolve"] .kind { color: var(--ink-3); text-decoration: line-through; }
.handle .note b { font-weight: 600; margin-inline-end: .4em; }

.agents table { border-collapse: collapse; inline-size: 100%; font-size: .93em; background: var(--surface); }
.agents th, .agents td { text-align: start; padding: .3em .6em; border-block-end: 1px solid var(--line); font-weight: 400; white-space: nowrap; }
.agents thead th { color: var(--ink-2); font-size: .87em; }
.agents tbody th { font-weight: 600; max-inline-size: 12em; overflow: hidden; text-overflow: ellipsis; }
.agents .number { font-variant-numeric: tabular-nums; }
.chart { display: inline-flex; align-items: center; gap: .5em; }
.spark { inline-size: clamp(2.5em, 12cqi, 9em); block-size: 1.6em; color: var(--agent); }

.rows { grid-area: rows; overflow-y: auto; padding: .67em .8em 1.6em; scrollbar-width: thin; contain: strict; background: var(--ground); }
.held { position: sticky; inset-block-end: 0; z-index: 1; block-size: 0; text-align: center; font-size: .8em; pointer-events: none; }
.held span { display: inline-block; transform: translateY(-100%); background: var(--ink); color: var(--surface); border-radius: 99px; padding: .1em 1em; }
.none { color: var(--ink-3); text-align: center; padding: 3em 1em; }
.list li { content-visibility: auto; contain-intrinsic-size: auto 6.43em; padding-block-end: .33em; }
.row {
  position: relative; display: grid; inline-size: 100%; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; overflow: hidden;
  padding: .4em .93em .45em 1.1em; gap: 0 1em; contain: content;
  /* One height for all: a row that gets an alert must not push the others away under the mouse. */
  block-size: 6.1em; align-content: center; line-height: 1.55;
  grid-template: "kind who who time" auto "what what what what" 1.6em "help help share share" 1.5em / auto minmax(0, 1fr) auto auto;
}
.row:hover { border-color: var(--ink-3); }
.row:focus-visible { outline-offset: -2px; border-radius: 8px; }
.row[aria-current="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.row::before { content: ""; position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: .33em; background: var(--tone, transparent); }
.row.severity-critical { --ink-3: var(--ink-2); background: var(--tint-critical); border-color: var(--critical); }
.row.severity-critical::before { inline-size: .53em; }
.kind { grid-area: kind; display: flex; align-items: center; gap: .4em; font-weight: 600; font-size: .93em; color: var(--tone, var(--ink-3)); white-space: nowrap; }
.row:not([class*="severity-"]) .kind { font-weight: 400; }
.row.severity-critical .kind { background: var(--critical); color: var(--on-critical); border-radius: 5px; padding: 0 .5em; align-self: start; justify-self: start; }
.who { grid-area: who; display: flex; gap: .2em .6em; align-items: baseline; min-inline-size: 0; white-space: nowrap; font-size: .93em; }
.who b { font-weight: 600; overflow: hidden; text-overflow: ellipsis; min-inline-size: 2.5em; }
.who .queue { color: var(--ink-2); overflow: hidden; text-overflow: ellipsis; }
.tier { border: 1px solid var(--line); border-radius: 99px; padding: 0 .55em; font-size: .86em; color: var(--ink-2); }
.time { grid-area: time; text-align: end; color: var(--ink-2); font-size: .93em; }
.what { grid-area: what; display: flex; gap: .5em; min-inline-size: 0; white-space: nowrap; }
.what .title { font-weight: 500; flex: none; max-inline-size: 60%; overflow: hidden; text-overflow: ellipsis; }
.what .quote { color: var(--ink-2); overflow: hidden; text-overflow: ellipsis; min-inline-size: 0; }
.help { grid-area: help; display: flex; gap: 1em; align-items: center; min-inline-size: 0; font-size: .87em; color: var(--ink-3); white-space: nowrap; }
.help .said { overflow: hidden; text-overflow: ellipsis; min-inline-size: 0; flex: 1 1 auto; }
.share { grid-area: share; display: flex; align-items: center; justify-content: flex-end; gap: .6em; font-size: .87em; color: var(--ink-2); white-space: nowrap; }
.share .part { min-inline-size: 4.6em; text-align: end; }
.bar { position: relative; inline-size: 4.6em; block-size: 5px; border-radius: 3px; overflow: hidden; background: var(--customer); }
.bar::before { content: ""; position: absolute; inset: 0; background: var(--agent); transform-origin: left; transform: scaleX(var(--share, 0)); }
.bar[data-unknown] { background: var(--sunk); }
.row[data-live="false"] { opacity: .6; background: none; }
.past { margin-block-start: 1.4em; }
.past h3, .side h3 { font-weight: 600; font-size: .93em; color: var(--ink-2); padding: 0 .3em .4em; }
.past li { display: flex; gap: .9em; padding: .2em .3em; color: var(--ink-3); font-size: .87em; border-block-start: 1px solid var(--line); white-space: nowrap; overflow: hidden; }
.past li button:hover { color: var(--ink); text-decoration: underline; }

.side { grid-area: side; background: var(--surface); border-block-start: 1px solid var(--line); min-block-size: 0; max-block-size: 9.5em; overflow-y: auto; padding: .6em .8em; scrollbar-width: thin; }
.feed li { content-visibility: auto; contain-intrinsic-size: auto 3.2em; }
.feed button { display: grid; inline-size: 100%; grid-template-columns: auto minmax(0, 1fr) auto; gap: 0 .5em; padding: .3em .4em; border-radius: 6px; font-size: .87em; line-height: 1.5; }
.feed button:hover { background: var(--ground); }
.feed .icon { margin-block-start: .25em; color: var(--tone); }
.feed .line { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-inline-size: 0; }
.feed .line b { font-weight: 600; color: var(--tone); margin-inline-end: .5em; }
.feed .quote { grid-column: 2 / -1; color: var(--ink-2); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.feed time { color: var(--ink-3); }
.detail { position: absolute; inset: 0; z-index: 2; display: grid; grid-template: auto auto minmax(0, 1fr) / minmax(0, 1fr); background: var(--surface); }
.detail header { display: flex; align-items: center; gap: .6em; padding: .4em .6em .4em 1.07em; border-block-end: 1px solid var(--line); }
.detail h3 { font-weight: 600; flex: 1 1 auto; min-inline-size: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.detail .shut { display: flex; align-items: center; gap: .3em; padding: .2em .6em; border-radius: 7px; color: var(--ink-2); font-size: .87em; border: 1px solid var(--line); }

@container (max-width: 479px) {
  .agents th, .agents td { padding-inline: .3em; }
  .spark { inline-size: 1.8em; }
  .top h2 { display: none; }
  .filters { flex-basis: 100%; flex-wrap: wrap; }
  .filters select { flex: 1 1 5em; }
}
@container (min-width: 760px) {
  .row { grid-template: "kind who what share time" 1.6em "kind who help share time" 1.5em / 6.2em minmax(7em, 10em) minmax(0, 1fr) auto 3.4em; align-items: center; block-size: 3.87em; }
  .list li { contain-intrinsic-size: auto 4.2em; }
  .who { flex-wrap: wrap; line-height: 1.5; max-block-size: 3.2em; overflow: hidden; }
  .who b { flex: 1 0 100%; }
  .who .queue { font-size: .93em; flex: 0 1 auto; max-inline-size: 6.5em; }
  .row.severity-critical .kind { align-self: center; }
  /* A calm row has one line to say: in the middle. */
  .row:not([class*="severity-"]) .what { grid-row: 1 / -1; }
}
@container (min-width: 1000px) {
  .board { grid-template: "top top" auto "notices notices" auto "rows side" minmax(0, 1fr) / minmax(0, 1fr) minmax(280px, 25%); }
  .board.open { grid-template-columns: minmax(0, 1fr) minmax(400px, 36%); }
  .side { max-block-size: none; border-block-start: 0; border-inline-start: 1px solid var(--line); }
  .detail { position: static; grid-area: side; border-inline-start: 1px solid var(--line); min-block-size: 0; }
}
`
