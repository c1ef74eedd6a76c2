/** Layout of `<tingban-assist>`. Narrow is the rule; wide is the exception, asked of its own width. */
export const ASSIST = /* css */ `
.root { min-block-size: min(22em, 100vh); }
.frame {
  position: relative; display: grid; block-size: 100%; min-block-size: inherit; max-block-size: 100vh; overflow: hidden;
  grid-template: "top" auto "notices" auto "whisper" auto "cards" fit-content(54%) "middle" auto "transcript" minmax(6.5em, 1fr) / minmax(0, 1fr);
}
.top { grid-area: top; background: var(--surface); border-block-end: 1px solid var(--line); }
.bar { display: flex; align-items: center; gap: .3em .8em; padding: .5em .93em; min-block-size: 2.9em; flex-wrap: wrap; }
.brand { display: flex; align-items: center; gap: .4em; font-weight: 600; letter-spacing: .06em; color: var(--accent); }
/* Inside a lead's page the name is there already. */
.observe .brand { display: none; }
.about { display: flex; align-items: center; gap: .2em .6em; min-inline-size: 0; flex: 1 1 auto; color: var(--ink-2); font-size: .87em; }
.about .queue, .about .tier { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-inline-size: 12em; }
.tier { border: 1px solid var(--line); border-radius: 99px; padding: 0 .6em; line-height: 1.5; font-size: .92em; }
.clock { font-size: 1em; color: var(--ink); font-weight: 500; }
.link { display: flex; align-items: center; gap: .45em; font-size: .87em; color: var(--ink-2); margin-inline-start: auto; }
.link::before { content: ""; inline-size: .6em; block-size: .6em; border-radius: 50%; background: var(--ink-3); flex: none; }
.link[data-phase="open"]::before { background: var(--accent); }
.link[data-phase="waiting"], .link[data-phase="refused"] { color: var(--high); font-weight: 600; }
.link[data-phase="waiting"]::before, .link[data-phase="refused"]::before { background: none; border: 2px solid currentColor; }

.hand { position: relative; display: inline-flex; align-items: center; gap: .3em; font-size: .87em; color: var(--ink-2); border: 1px solid var(--line); border-radius: 99px; padding: .05em .7em; margin-inline-start: auto; white-space: nowrap; }
.hand ~ .link { margin-inline-start: 0; }
.hand:not(:disabled):hover { border-color: var(--ink-3); color: var(--ink); }
.hand[aria-pressed="true"] { background: var(--tint-high); border-color: var(--high); color: var(--high); font-weight: 600; }
.hand:disabled { cursor: default; }

.whisper { grid-area: whisper; display: flex; align-items: center; gap: .6em; padding: .5em 1.07em; background: var(--tint-medium); border-block-end: 1px solid var(--line); color: var(--ink); max-block-size: 9em; overflow-y: auto; }
.whisper p { flex: 1 1 auto; min-inline-size: 0; line-height: 1.5; }
.whisper b { display: block; font-size: .8em; font-weight: 600; color: var(--medium); }
.whisper .waiting { font-size: .87em; color: var(--ink-2); }
.whisper .action { flex: none; }

.tabs { display: flex; gap: .25em; padding: 0 .67em; overflow-x: auto; scrollbar-width: thin; border-block-start: 1px solid var(--line); }
.tab { display: flex; align-items: center; gap: .45em; padding: .4em .6em; border-block-end: 2px solid transparent; color: var(--ink-2); font-size: .87em; white-space: nowrap; max-inline-size: 14em; }
.tab bdi { overflow: hidden; text-overflow: ellipsis; }
.tab[aria-selected="true"] { color: var(--ink); border-color: var(--accent); font-weight: 600; }
.tab[data-live="false"] { color: var(--ink-3); }
.tab .icon { color: var(--tone); }
.tab:focus-visible { outline-offset: -2px; }

.lines { grid-area: notices; font-size: .87em; }
.unbound { display: flex; flex-wrap: wrap; align-items: center; gap: .2em .7em; padding: .3em 1.07em; color: var(--ink-2); background: var(--surface); border-block-end: 1px solid var(--line); }
.unbound ul { display: flex; flex-wrap: wrap; gap: .3em; min-inline-size: 0; }
.unbound .action { padding-block: 0; }
.notice { padding: .34em 1.07em; display: flex; gap: .5em; align-items: center; border-block-end: 1px solid var(--line); background: var(--sunk); color: var(--ink-2); }
.notice .icon { color: var(--ink-3); }
.notice[data-kind="trouble"] { background: var(--tint-high); color: var(--high); font-weight: 600; }
.notice[data-kind="trouble"] .icon { color: inherit; }
.notice[data-kind="danger"] { background: var(--critical); color: var(--on-critical); font-weight: 600; }
.notice[data-kind="danger"] .icon { color: inherit; }
.notice button { text-align: start; text-decoration: underline; text-underline-offset: .2em; }

.cards { grid-area: cards; overflow-y: auto; padding: .8em .8em 0; scrollbar-width: thin; min-block-size: 5.4em; }
.list { display: grid; gap: .6em; padding-block-end: .8em; }
.quiet { display: flex; align-items: center; justify-content: center; min-block-size: 4em; padding: .4em 1em .9em; color: var(--ink-3); font-size: .93em; text-align: center; text-wrap: balance; }

.card {
  position: relative; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius);
  padding: .67em .93em .6em 1.2em; box-shadow: var(--shadow); overflow: hidden; contain: content;
}
.card::before { content: ""; position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: .33em; background: var(--tone); }
.card[data-state="tentative"]::before { background: repeating-linear-gradient(to bottom, var(--tone) 0 5px, transparent 5px 9px); }
.card:focus-visible { outline-offset: 1px; border-radius: var(--radius); }
.head { display: flex; align-items: center; gap: .45em; font-size: .87em; line-height: 1.5; color: var(--ink-2); }
.kind { display: flex; align-items: center; gap: .35em; color: var(--tone); font-weight: 600; white-space: nowrap; }
.title { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-inline-size: 0; flex: 1 1 auto; }
.state { white-space: nowrap; color: var(--ink-3); font-size: .92em; display: flex; align-items: center; gap: .35em; }
.state::before { content: ""; inline-size: .55em; block-size: .55em; border-radius: 50%; border: 1.5px solid currentColor; }
.state[data-state="confirmed"]::before { background: currentColor; }
.say { font-size: var(--say-size); line-height: 1.48; font-weight: 500; margin-block: .18em .22em; color: var(--ink); text-wrap: pretty; letter-spacing: .01em; }
.card.minor .say { font-size: 1.13em; line-height: 1.5; margin-block: .1em; }
.why { font-size: .87em; line-height: 1.55; color: var(--ink-2); }
.why .who { color: var(--ink-3); margin-inline-end: .5em; }
.why q { quotes: "「" "」"; }
.root:lang(en) .why q { quotes: "“" "”"; }
.more { color: var(--accent); font-size: 13px; text-decoration: underline; text-underline-offset: .2em; margin-inline-start: .5em; font-weight: 400; letter-spacing: 0; }
.actions { display: flex; flex-wrap: wrap; gap: .33em; margin-block-start: .55em; margin-inline-start: -.1em; }
.action { display: inline-flex; align-items: center; gap: .33em; padding: .2em .5em; min-block-size: 2em; border-radius: 7px; font-size: .87em; color: var(--ink-2); border: 1px solid var(--line); background: var(--surface); }
.action:hover { color: var(--ink); border-color: var(--ink-3); }
.card:not(.minor) .primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
.card.severity-critical .primary { background: var(--critical); border-color: var(--critical); color: var(--on-critical); font-weight: 600; }
.card:not(.minor) .primary kbd { color: inherit; background: none; border-color: currentColor; }
.action .icon { inline-size: .95em; block-size: .95em; }
.card.minor .actions { margin-block-start: .3em; }
.card.minor .action.plain .label { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.card.gone { opacity: .55; }
.card.gone .say { text-decoration: line-through; text-decoration-thickness: 1px; }
.card.severity-critical { --ink-3: var(--ink-2); border: 2px solid var(--critical); background: var(--tint-critical); }
.card.severity-critical .head { background: var(--critical); color: var(--on-critical); margin: -.78em -1.08em .55em -1.4em; padding: .4em 1.08em .4em 1.3em; font-size: 1em; }
.card.severity-critical .kind, .card.severity-critical .state { color: inherit; font-weight: 700; }
.card.severity-critical .kind { font-size: 1.07em; letter-spacing: .08em; }
.card.severity-critical::before { display: none; }
.card.severity-critical[data-state="tentative"] { border-style: dashed; }

.middle { grid-area: middle; min-block-size: 0; background: var(--surface); border-block: 1px solid var(--line); }
.checklist { font-size: .87em; }
.strip { position: relative; display: flex; flex-wrap: wrap; align-items: center; align-content: flex-start; gap: 2.5em .7em; padding: .33em .9em; block-size: 2.5em; white-space: nowrap; overflow: hidden; }
.lists { display: flex; gap: .3em; flex: none; }
.list-button { display: inline-flex; align-items: center; gap: .3em; padding: .06em .4em; border: 1px solid var(--line); border-radius: 99px; color: var(--ink-2); }
.list-button b { font-weight: 600; color: var(--ink); font-size: .93em; }
.list-button[aria-expanded="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.pips { display: inline-flex; gap: 1px; }
.pips i { inline-size: .45em; block-size: .45em; border-radius: 50%; background: var(--line); }
.pips i[data-state="done"] { background: var(--accent); }
.pips i[data-state="due"] { background: var(--high); }
.next-step { flex: 1 1 4em; min-inline-size: 0; overflow: hidden; text-overflow: ellipsis; color: var(--ink-2); text-align: end; }
.next-step[data-state="due"] { color: var(--high); font-weight: 600; }
.panel { max-block-size: 10em; overflow-y: auto; padding: .1em 1.07em .5em; scrollbar-width: thin; }
.step { display: flex; gap: .5em; align-items: baseline; padding-block: .12em; color: var(--ink-2); }
.step bdi { flex: 1 1 auto; min-inline-size: 0; }
.step .tick { inline-size: 1em; color: var(--accent); align-self: center; flex: none; }
.step[data-state="done"] { color: var(--ink); }
.step[data-state="due"] bdi, .step[data-state="due"] .step-state { color: var(--high); font-weight: 600; }
.step[data-state="skipped"] { color: var(--ink-3); }
.step-state { flex: none; font-size: .93em; color: var(--ink-3); max-inline-size: 45%; }
.gauges { display: grid; grid-template-columns: 1fr 1fr; gap: .2em 1.2em; padding: .3em 1.07em .5em; font-size: .82em; color: var(--ink-2); }
.gauge { min-inline-size: 0; }
.gauge-words { display: flex; justify-content: space-between; gap: .5em; white-space: nowrap; }
.gauge-words b { font-weight: 600; color: var(--ink); }
.gauge-words > * { overflow: hidden; text-overflow: ellipsis; }
.gauge-words .unit { color: var(--ink-3); font-size: .93em; }
.gauge-track { position: relative; block-size: 5px; border-radius: 3px; background: var(--sunk); margin-block: .3em .15em; }
.rate-zone { position: absolute; inset-block: 0; inset-inline-start: 33.3%; inline-size: 33.4%; background: var(--accent); opacity: .3; }
.rate-hand { position: absolute; inset-block: -3px; inset-inline: 0 3px; transition: transform .4s ease-out; }
.rate-hand::before { content: ""; position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: 3px; background: var(--ink); border-radius: 2px; }
.share-bar { position: absolute; inset: 0; background: var(--customer); border-radius: 3px; overflow: hidden; }
.share-bar::before { content: ""; position: absolute; inset: 0; background: var(--agent); transform-origin: left; transform: scaleX(var(--share, 0)); border-inline-end: 0; transition: transform .4s ease-out; }
.share-key { display: inline-flex; align-items: center; gap: .3em; }
.share-key::before { content: ""; flex: none; inline-size: .55em; block-size: .55em; border-radius: 2px; background: var(--customer); }
.share-key.agent::before { background: var(--agent); }

.talk { grid-area: transcript; position: relative; min-block-size: 0; background: var(--surface); }
.transcript { block-size: 100%; overflow-y: auto; overflow-anchor: auto; padding: .5em 1.07em 1em; scrollbar-width: thin; overscroll-behavior: contain; }
.transcript:focus-visible { outline-offset: -2px; }
.utterance { display: grid; grid-template-columns: 2.4em minmax(0, 1fr); gap: 0 .4em; padding-block: .18em; }
.utterance.turn { margin-block-start: .42em; }
.root:lang(en) .utterance { grid-template-columns: 4.3em minmax(0, 1fr); }
.speaker { font-size: .8em; line-height: 2.06; color: var(--ink-3); white-space: nowrap; display: flex; gap: .6em; }
.speaker time { display: none; }
.speaker b { font-weight: 600; color: var(--customer); }
.utterance.agent .speaker b { color: var(--agent); }
.utterance.unknown .speaker b { color: var(--ink-3); }
.utterance:not(.turn) .speaker b { visibility: hidden; }
.spoken { line-height: 1.65; color: var(--ink); }
.utterance.agent .spoken { color: var(--ink-2); }
.tail { color: var(--ink-3); }
.room { visibility: hidden; user-select: none; }
.mark { background: var(--tint); color: inherit; box-shadow: inset 0 -2px 0 var(--tone); border-radius: 2px; padding-inline: 1px; }
.to-newest { position: absolute; inset-block-end: .8em; inset-inline-end: 1em; display: flex; gap: .4em; align-items: center; background: var(--accent); color: var(--on-accent); border-radius: 99px; padding: .25em .9em; font-size: .87em; box-shadow: var(--shadow); }
.blank { display: grid; place-content: center; text-align: center; gap: .2em; block-size: 100%; min-block-size: 6em; padding: 1em; color: var(--ink-3); }
.blank b { font-weight: 600; color: var(--ink-2); font-size: 1.13em; }

.summary { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); padding: .8em 1em; }
.summary h2 { font-weight: 600; font-size: 1.07em; }
.summary .next { color: var(--ink-3); font-size: .87em; margin-block-start: .6em; }
.figures { display: flex; flex-wrap: wrap; gap: .3em 1.6em; margin-block: .5em; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { color: var(--ink-3); font-size: .8em; }
.figures dd { font-size: 1.33em; line-height: 1.3; font-weight: 500; }
.noticed { display: flex; flex-wrap: wrap; gap: .3em; font-size: .87em; }
.noticed li { display: inline-flex; align-items: center; gap: .35em; background: var(--tint); color: var(--tone); border-radius: 99px; padding: .1em .7em; max-inline-size: 100%; }

@container (max-width: 479px) {
  .list-button .pips { display: none; }
  .list-button { padding-inline: .45em; }
  .strip { gap: .5em; }
}
@container (max-width: 379px) {
  /* All is well: the dot says it; a reader of the screen still hears the words. */
  .link[data-phase="open"] { font-size: 0; gap: 0; }
  .link[data-phase="open"]::before { inline-size: 9px; block-size: 9px; }
  .brand { font-size: 0; gap: 0; }
  .brand .icon { font-size: 18px; }
  .next-step .prefix { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
  .bar .hand { padding-inline: .5em; }
  .bar .hand[aria-pressed="false"] span { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
  .gauges { grid-template-columns: 2fr 3fr; }
  .gauge-words .unit { display: none; }
  .action.plain:not(.used) .label { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .cards { padding-inline: .53em; }
  .card { padding-inline: 1.07em .67em; }
}
@container (min-width: 760px) {
  .frame { grid-template: "top top" auto "notices notices" auto "whisper whisper" auto "transcript cards" minmax(0, 1fr) "transcript middle" auto / minmax(0, 1fr) minmax(350px, 44%); }
  .cards { border-inline-start: 1px solid var(--line); padding: 1.07em 1.07em 0; }
  .list { gap: .8em; padding-block-end: 1.07em; }
  .middle { border-inline-start: 1px solid var(--line); border-block-end: 0; }
  .gauges { padding-block: .4em .75em; }
  .panel { max-block-size: 16em; }
  .transcript { padding: 1em 1.6em 1.6em; }
  .utterance { grid-template-columns: 5.4em minmax(0, 1fr); }
  .root:lang(en) .utterance { grid-template-columns: 7.4em minmax(0, 1fr); }
  .root:lang(en) .speaker b { min-inline-size: 4.6em; }
  .speaker time { display: inline; }
  .quiet { min-block-size: 8em; }
}
@container (min-width: 1080px) {
  .frame { grid-template-columns: minmax(0, 1fr) minmax(420px, 40%); }
  .card { padding: .87em 1.07em .8em 1.4em; }
  .card.severity-critical .head { margin: -.94em -1.2em .6em -1.55em; padding-inline: 1.4em 1.07em; }
  .transcript { padding-inline: max(1.6em, calc(50% - 25em)); font-size: 1.07em; }
}
`
