/**
 * Design tokens. Each reads a public `--tingban-*` property first, so a page can retheme without
 * reaching inside. `.root` starts from nothing (`all: initial`): what a page's rules leave on the
 * host element (fonts, spacing, direction, case) is not inherited. Sizes are em of the root, never
 * rem, because the page owns rem.
 */
export const TOKENS = /* css */ `
:host { display: block; box-sizing: border-box; inline-size: 100%; block-size: 100%; }
:host([hidden]) { display: none; }
.root {
  all: initial;
  display: block; box-sizing: border-box; direction: ltr; unicode-bidi: isolate;
  block-size: 100%;
  container-type: inline-size;
  font-family: var(--tingban-font, "PingFang SC", "HarmonyOS Sans SC", "MiSans", "Microsoft YaHei UI",
    "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", system-ui, sans-serif);
  font-size: var(--tingban-font-size, 15px);
  line-height: 1.6;
  color: var(--ink);
  background: var(--ground);
  -webkit-font-smoothing: antialiased;
  text-rendering: optimizeLegibility;
  overflow-wrap: anywhere;
  line-break: strict;
  text-autospace: normal;
  font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: none;
  color-scheme: light;

  --ground: var(--tingban-ground, #f4f3ef);
  --surface: var(--tingban-surface, #fffefc);
  --sunk: var(--tingban-sunk, #eceae4);
  --ink: var(--tingban-ink, #1c2429);
  --ink-2: var(--tingban-ink-2, #4a555c);
  --ink-3: var(--tingban-ink-3, #667076);
  --line: var(--tingban-line, #dfdcd3);
  --accent: var(--tingban-accent, #0d6b62);
  --on-accent: var(--tingban-on-accent, #ffffff);
  --customer: var(--tingban-customer, #1f5a99);
  --agent: var(--tingban-agent, #0d6b62);
  --info: var(--tingban-info, #55646e);
  --medium: var(--tingban-medium, #1f5a99);
  --high: var(--tingban-high, #9a4d00);
  --veto: var(--tingban-veto, #86235f);
  --critical: var(--tingban-critical, #b4161b);
  --on-critical: #ffffff;
  --tint-info: #eef0f1; --tint-medium: #e9f0f8; --tint-high: #fcf0df; --tint-veto: #f8eaf2; --tint-critical: #fdeae8;
  --shadow: 0 1px 2px rgb(40 36 24 / .06), 0 4px 14px rgb(40 36 24 / .05);
  --radius: var(--tingban-radius, 10px);
  --focus: var(--tingban-focus, #0a58ca);
  --say-size: var(--tingban-say-size, 1.47em);
}
.root[data-theme="dark"] {
  color-scheme: dark;
  --ground: var(--tingban-ground, #13181b);
  --surface: var(--tingban-surface, #1c2327);
  --sunk: var(--tingban-sunk, #0e1214);
  --ink: var(--tingban-ink, #e8ecee);
  --ink-2: var(--tingban-ink-2, #b4bfc5);
  --ink-3: var(--tingban-ink-3, #8f9ba2);
  --line: var(--tingban-line, #2d363b);
  --accent: var(--tingban-accent, #5fc0b2);
  --on-accent: var(--tingban-on-accent, #07211e);
  --customer: var(--tingban-customer, #86b6ec);
  --agent: var(--tingban-agent, #6cc7ba);
  --info: var(--tingban-info, #a3b0b8);
  --medium: var(--tingban-medium, #86b6ec);
  --high: var(--tingban-high, #f0b35a);
  --veto: var(--tingban-veto, #eb93c6);
  --critical: var(--tingban-critical, #ff8a80);
  --on-critical: #2b0505;
  --tint-info: #242c31; --tint-medium: #1b2a3a; --tint-high: #33270f; --tint-veto: #351d2d; --tint-critical: #3d1717;
  --shadow: 0 1px 2px rgb(0 0 0 / .35);
  --focus: var(--tingban-focus, #8ab8ff);
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
h1, h2, h3, p, ol, ul, dl, dd { margin: 0; padding: 0; font: inherit; }
ol, ul { list-style: none; }
.icon { inline-size: 1em; block-size: 1em; flex: none; display: block; }
bdi { unicode-bidi: isolate; }
.hush {
  position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
button {
  font: inherit; color: inherit; background: none; border: 0; margin: 0; padding: 0; cursor: pointer;
  text-align: inherit;
}
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
kbd {
  font: 600 .73em/1.35 ui-monospace, "SF Mono", Consolas, monospace; color: var(--ink-3);
  border: 1px solid var(--line); border-radius: 4px; padding: 0 .36em; background: var(--surface);
}
.severity-info, .severity-low { --tone: var(--info); --tint: var(--tint-info); }
.severity-medium { --tone: var(--medium); --tint: var(--tint-medium); }
.severity-high { --tone: var(--high); --tint: var(--tint-high); }
.severity-veto { --tone: var(--veto); --tint: var(--tint-veto); }
.severity-critical { --tone: var(--critical); --tint: var(--tint-critical); }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
@media (forced-colors: active) {
  .card, .row, .gauge-track { border: 1px solid CanvasText; }
  .mark { forced-color-adjust: none; background: Mark; color: MarkText; }
}
`
