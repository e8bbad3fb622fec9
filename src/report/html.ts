/**
 * A comparison as one HTML file, which needs nothing else: no network, no script.
 */
import type { Comparison } from "../compare/index.js";
import { type Block, type Content, type Section, spans, type Table, type TableRow } from "./document.js";
import { compiledPlot, type Figure, ledgerPlot, ratioPlot, timePlot } from "./plots.js";
import { sections, title } from "./sections.js";

export function comparisonHtml(comparison: Comparison): string {
  const all = sections(comparison);
  const figures: Partial<Record<Section["id"], (Figure | null)[]>> = {
    time: [timePlot(comparison), ratioPlot(comparison)],
    ledger: [ledgerPlot(comparison), compiledPlot(comparison)],
  };
  const links = all.map((section) => `<a href="#${section.id}">${escapeHtml(section.title)}</a>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<nav aria-label="Sections">${links.join(" ")}</nav>
</header>
<main>
${all.map((section) => sectionHtml(section, figures[section.id] ?? [])).join("\n")}
</main>
</body>
</html>
`;
}

function sectionHtml({ id, title, blocks }: Section, figures: readonly (Figure | null)[]): string {
  const [first, ...others] = blocks.map(blockHtml);
  const drawn = figures.flatMap((figure) => (figure === null ? [] : [figureHtml(figure)]));
  return `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(title)}</h2>
${[first, ...others, ...drawn].join("\n")}
</section>`;
}

function figureHtml({ caption, markup }: Figure): string {
  return `<figure class="drawing"><figcaption>${escapeHtml(caption)}</figcaption><div class="wide">${markup}</div></figure>`;
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case "table":
      return tableHtml(block);
    case "list":
      return `<dl>${block.items
        .map(
          ({ term, sentences }) =>
            `<dt>${contentHtml(term)}</dt>${sentences.map((sentence) => `<dd>${contentHtml(sentence)}</dd>`).join("")}`,
        )
        .join("\n")}</dl>`;
    case "paragraph":
      return `<p>${contentHtml(block.content)}</p>`;
  }
}

function tableHtml({ caption, columns, rows }: Table): string {
  const heads = columns.map(
    ({ head, align }) => `<th scope="col" class="${align}">${contentHtml(head.trim())}</th>`,
  );
  return `<div class="wide"><table>
<caption>${escapeHtml(caption)}</caption>
<thead><tr>${heads.join("")}</tr></thead>
<tbody>
${rows.map((row) => rowHtml(row, columns)).join("\n")}
</tbody>
</table></div>`;
}

function rowHtml(row: TableRow, columns: Table["columns"]): string {
  if (row.kind === "heading") {
    return `<tr class="heading"><th scope="rowgroup" colspan="${columns.length}">${contentHtml(row.content)}</th></tr>`;
  }
  if (row.kind === "note") {
    return `<tr class="note"><td colspan="${columns.length}">${contentHtml(row.content)}</td></tr>`;
  }
  const cells = columns.map(({ align, wrap }, column) => {
    const classes = wrap ? `${align} wrap` : align;
    const content = contentHtml(row.cells[column] ?? "");
    return column === 0
      ? `<th scope="row" class="${classes}">${content}</th>`
      : `<td class="${classes}">${content}</td>`;
  });
  return `<tr>${cells.join("")}</tr>`;
}

function contentHtml(content: Content): string {
  return spans(content)
    .map((piece) => {
      if (typeof piece === "string") return escapeHtml(piece).replaceAll("\n", "<br>");
      return `<span class="${piece.mark}">${escapeHtml(piece.text).replaceAll("\n", "<br>")}</span>`;
    })
    .join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

const style = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1a1a1a; --faint: #6a6a6a; --line: #d8d8d8; --shade: #f4f4f4;
  --more: #b3261e; --less: #17702f; --differs: #8a5a00; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181c; --ink: #e8e8e8; --faint: #a0a0a0; --line: #3a3d44; --shade: #20232a;
    --more: #ff8a80; --less: #7ddc9a; --differs: #ffc766; --bad: #d93025;
  }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 84rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); }
nav a { margin-right: 1rem; }
a { color: inherit; }
p, dl, figcaption { max-width: 56rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding-bottom: .25rem; }
th, td { padding: .15rem .6rem; vertical-align: top; white-space: pre-wrap; }
th { font-weight: normal; text-align: left; white-space: nowrap; }
thead th { vertical-align: bottom; color: var(--faint); border-bottom: 1px solid var(--line); }
td { white-space: nowrap; }
td.wrap { white-space: normal; min-width: 18rem; }
.right { text-align: right; }
tbody tr:hover { background: var(--shade); }
tr.heading th { padding-top: .8rem; border-bottom: 1px solid var(--line); color: var(--faint); white-space: normal; }
tr.heading .strong { color: var(--ink); }
tr.note td { white-space: normal; padding-left: 1.6rem; }
dt { margin-top: 1rem; }
dd { margin: .2rem 0 0 1.2rem; }
.strong { font-weight: 600; }
.faint { color: var(--faint); }
.more { color: var(--more); font-weight: 600; }
.less { color: var(--less); font-weight: 600; }
.differs { color: var(--differs); font-weight: 600; }
.bad { background: var(--bad); color: #fff; font-weight: 700; padding: 0 .3em; }
figure { margin: 1.5rem 0; }
figcaption { color: var(--faint); margin-bottom: .5rem; }
figure figure { margin: 0; }
.plot { --plot-background: var(--paper); color: var(--ink); }
@media print { body { max-width: none; } .wide { overflow: visible; } }
`;
