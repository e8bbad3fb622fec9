/**
 * The figures of the report, drawn once: SVG in the page, with no script.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type Comparison, type Row, rowsOf, type TargetName, targetNames } from "../compare/index.js";
import type { LedgerEntry } from "../kernel/index.js";
import { builds, compiledFaults } from "./compiled-kernel.js";
import { cellOf, differenceGroups, placementsOf, referenceOf, targetsOf } from "./differences.js";
import { factor, ledgerWords, range, rowName, rowNames, share, signed, time } from "./words.js";

export interface Figure {
  readonly caption: string;
  /** An SVG element, with its legend. */
  readonly markup: string;
}

const WIDTH = 1080;
const centred = { labelAnchor: "center", labelOffset: 38 } as const;

/** A target has the same colour everywhere; each is seen on white and on black. */
const targetColours: Readonly<Partial<Record<TargetName, string>>> = {
  "in-fault": "#8a8a8a",
  "fault-reason": "#4c7fe8",
  "fault-reason-separate": "#2aa7c9",
  "lookup-first": "#e08a00",
  "do-userfault": "#e0483e",
  "presence-probe": "#2fa04f",
  kernel: "#a463f2",
};
/** Of a placement that has been added. */
const OTHER_COLOUR = "#b8860b";

interface Timed {
  readonly row: Row;
  readonly target: TargetName;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

function timed(comparison: Comparison): Timed[] {
  return rowsOf(comparison).flatMap((row) =>
    row.cells.flatMap(({ target, nsPerFault }) =>
      nsPerFault === null ? [] : [{ row, target, ...nsPerFault }],
    ),
  );
}

/** All targets, the running kernel among them, in nanoseconds. */
export function timePlot(comparison: Comparison): Figure | null {
  const data = timed(comparison);
  if (data.length === 0) return null;
  const targets = targetsOf(comparison);
  const lines = new Set(data.map(({ row }) => rowName(row))).size;
  // Targets of a row lie on their own lines, close together.
  const shift = (target: TargetName) => (targets.indexOf(target) - (targets.length - 1) / 2) * 2.6;
  const perTarget = targets.flatMap((target) => {
    const mine = data.filter((one) => one.target === target);
    const place = { y: accessAndSharing, fy: scenario, dy: shift(target), stroke: "target" } as const;
    return [
      Plot.ruleY(mine, { ...place, x1: "min", x2: "max", strokeWidth: 1, strokeOpacity: 0.7 }),
      Plot.dot(mine, { ...place, x: "median", fill: "target", r: 2, title: timeTitle }),
    ];
  });
  const plot = Plot.plot({
    ...base(
      "Nanoseconds per page touched, by scenario and target, with the least and the most of all rounds",
    ),
    height: 90 + 26 * lines,
    marginLeft: 100,
    marginRight: 190,
    x: {
      type: "log",
      grid: true,
      label: "ns per page touched (logarithmic)",
      ...centred,
      axis: "both",
    },
    y: { label: null, domain: accessesAndSharings(comparison) },
    fy: { label: null, domain: unique(data.map(scenario)), padding: 0.12 },
    color: colours(targets),
    marks: [Plot.frame({ strokeOpacity: 0.15 }), ...perTarget],
  });
  return {
    caption: `Time per page touched: the median as a dot, from the least to the most of ${comparison.rounds} rounds as a line.`,
    markup: markup(plot),
  };
}

/** The placements against in-fault: whether their rounds leave the band of its own. */
export function ratioPlot(comparison: Comparison): Figure | null {
  const ratios = timed(comparison).flatMap(({ row, target, median, min, max }) => {
    const reference = cellOf(row, "in-fault")?.nsPerFault;
    if (reference == null || target === "kernel" || target === "in-fault") return [];
    const unit = reference.median;
    return [{ row, target, median: median / unit, min: min / unit, max: max / unit }];
  });
  if (ratios.length === 0) return null;
  const bands = unique(ratios.map(({ row }) => row)).map((row) => {
    const { median, min, max } = cellOf(row, "in-fault")!.nsPerFault!;
    return { row, min: min / median, max: max / median };
  });
  const targets = placementsOf(comparison).filter((target) => target !== "in-fault");
  const scenarios = unique(ratios.map(scenario));
  const medians = ratios.map(({ median }) => median);
  const place = { y: "target", fx: accessAndSharing, fy: scenario } as const;
  const plot = Plot.plot({
    ...base(
      "Time of each placement as a ratio to in-fault, by scenario; the band is the spread of in-fault's own rounds",
    ),
    height: 90 + scenarios.length * (14 * targets.length + 14),
    marginLeft: 150,
    marginRight: 190,
    x: {
      label: "time, in-fault's median = 1",
      ...centred,
      domain: [Math.min(0.8, 0.95 * Math.min(...medians)), Math.max(1.25, 1.05 * Math.max(...medians))],
      grid: true,
      ticks: 4,
    },
    y: { label: null, domain: targets },
    fx: { label: null, domain: accessesAndSharings(comparison), padding: 0.1 },
    fy: { label: null, domain: scenarios, padding: 0.12 },
    color: { ...colours(targets), legend: false },
    marks: [
      Plot.frame({ strokeOpacity: 0.15 }),
      Plot.rectX(bands, {
        x1: "min",
        x2: "max",
        fx: accessAndSharing,
        fy: scenario,
        fill: "currentColor",
        fillOpacity: 0.12,
        clip: true,
      }),
      Plot.ruleX([1], { strokeOpacity: 0.5 }),
      Plot.ruleY(ratios, { ...place, x1: "min", x2: "max", stroke: "target", strokeWidth: 1.5, clip: true }),
      Plot.dot(ratios, { ...place, x: "median", fill: "target", r: 3, title: ratioTitle }),
    ],
  });
  return {
    caption:
      "Each placement's time by in-fault's. The grey band is from the least to the most of in-fault's own rounds: a line that touches it cannot be told from in-fault. Long lines are cut off.",
    markup: markup(plot),
  };
}

/** What each placement counts more or less, where anything differs. */
export function ledgerPlot(comparison: Comparison): Figure | null {
  const reference = referenceOf(comparison);
  const bars = differenceGroups(comparison).flatMap(({ rows, differences }) =>
    [...differences].flatMap(([target, difference]) =>
      [...(difference ?? [])].map(([entry, by]) => ({
        group: rowNames(rows, comparison),
        target,
        entry,
        by,
      })),
    ),
  );
  if (bars.length === 0) return null;
  const groups = unique(bars.map(({ group }) => group));
  const targets = placementsOf(comparison).filter((target) => target !== reference);
  const entries = (Object.keys(ledgerWords) as LedgerEntry[]).filter((entry) =>
    bars.some((bar) => bar.entry === entry),
  );
  const plot = Plot.plot({
    ...base(
      `Ledger entries per fault that each placement counts more or less than ${reference}, by scenario`,
    ),
    height: 80 + groups.length * (16 * targets.length + 14),
    marginLeft: 150,
    marginRight: 230,
    x: {
      label: `operations per fault, against ${reference}`,
      ...centred,
      grid: true,
      tickFormat: signed,
      nice: true,
    },
    y: { label: null, domain: targets },
    fy: { label: null, domain: groups, padding: 0.12, axis: null },
    color: {
      legend: true,
      domain: entries.map((entry) => ledgerWords[entry].name),
      scheme: "observable10",
    },
    marks: [
      Plot.frame({ strokeOpacity: 0.15 }),
      Plot.axisFy({ label: null, lineWidth: 19 }),
      Plot.barX(bars, {
        x: "by",
        y: "target",
        fy: "group",
        fill: ({ entry }: { entry: LedgerEntry }) => ledgerWords[entry].name,
        title: ({ entry, by, target }: (typeof bars)[number]) =>
          `${target}: ${ledgerWords[entry].name} ${signed(by)}`,
      }),
      Plot.ruleX([0]),
    ],
  });
  return {
    caption: `What a placement counts more than ${reference} (to the right) or less (to the left), per fault. Rows in which nothing differs are left out.`,
    markup: markup(plot),
  };
}

/** The same question asked of a compiled kernel. */
export function compiledPlot(comparison: Comparison): Figure | null {
  const targets = placementsOf(comparison).filter((target) => target !== "in-fault");
  const points = rowsOf(comparison).flatMap((row) =>
    compiledFaults(row).flatMap(({ build, page, inFault, difference }) =>
      targets
        .filter((target) => difference[target] !== undefined)
        .map((target) => ({
          build,
          target,
          by: difference[target]!,
          scenario: page === undefined ? row.scenario : `${row.scenario}, ${page}`,
          title: `${rowName(row)}, ${build}, ${target}: ${signed(difference[target]!)} of ${inFault} (${share((100 * difference[target]!) / inFault)} %)`,
        })),
    ),
  );
  if (points.length === 0) return null;
  const scenarios = unique(points.map((point) => point.scenario));
  const place = { y: "target", fx: "build", fy: "scenario" } as const;
  // Where all rows of a scenario agree, one label says it.
  const labels = unique(points.map(({ build, target, scenario }) => `${build} ${target} ${scenario}`)).map(
    (key) => {
      const same = points.filter(({ build, target, scenario }) => `${build} ${target} ${scenario}` === key);
      const text = unique(same.map(({ by }) => by))
        .map(signed)
        .join(" ");
      return { ...same[0]!, by: Math.max(0, ...same.map(({ by }) => by)), text };
    },
  );
  const plot = Plot.plot({
    ...base(
      "Instructions per fault that each placement executes more or less than in-fault in a compiled kernel, by scenario",
    ),
    height: 80 + scenarios.length * (16 * targets.length + 14),
    marginLeft: 150,
    marginRight: 190,
    x: {
      label: "instructions per fault, against in-fault",
      ...centred,
      grid: true,
      nice: true,
      tickFormat: signed,
      insetRight: 30,
    },
    y: { label: null, domain: targets },
    fx: { label: null, domain: builds, padding: 0.06 },
    fy: { label: null, domain: scenarios, padding: 0.12 },
    color: { ...colours(targets), legend: false },
    marks: [
      Plot.frame({ strokeOpacity: 0.15 }),
      Plot.ruleX([0]),
      Plot.ruleY(points, { ...place, x1: 0, x2: "by", stroke: "target", strokeWidth: 4 }),
      Plot.text(labels, { ...place, x: "by", text: "text", textAnchor: "start", dx: 5, fontSize: 9 }),
      Plot.dot(points, { ...place, x: "by", fill: "target", r: 3, title: "title" }),
    ],
  });
  return {
    caption:
      "Instructions per fault in a compiled kernel, against in-fault. Figures that differ by access or sharing are one dot each. UP: one CPU; SMP: as distributions have it.",
    markup: markup(plot),
  };
}

function accessAndSharing({ row }: { readonly row: Row }): string {
  return `${row.access} ${row.sharing}`;
}

/** In the order of the tables. */
function accessesAndSharings(comparison: Comparison): string[] {
  return unique(rowsOf(comparison).map((row) => accessAndSharing({ row })));
}

function scenario({ row }: { readonly row: Row }): string {
  return row.scenario;
}

function timeTitle({ row, target, median, min, max }: Timed): string {
  return `${rowName(row)}, ${target}: ${time(median)} ns (${range([min, max], time)})`;
}

function ratioTitle({ row, target, median, min, max }: Timed): string {
  return `${rowName(row)}, ${target}: ${factor(median)} (${factor(min)} to ${factor(max)})`;
}

function colours(targets: readonly TargetName[]) {
  const domain = targetNames.filter((target) => targets.includes(target));
  return { legend: true, domain, range: domain.map((target) => targetColours[target] ?? OTHER_COLOUR) };
}

function base(ariaLabel: string) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return {
    document,
    className: "plot",
    width: WIDTH,
    marginBottom: 45,
    style: { fontSize: "11px" },
    ariaLabel,
  };
}

/** With aria-label on it, and nothing in it to go to, a plot is one picture. */
function markup(plot: { readonly outerHTML: string }): string {
  return plot.outerHTML.replace(/<svg (?=[^>]*aria-label=)/, '<svg role="img" ');
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}
