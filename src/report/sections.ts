/**
 * What a comparison says, in the order of reading. tables.ts and html.ts give it its form.
 */
import {
  behaviourDifferences,
  type Cell,
  type Comparison,
  type Row,
  rowsOf,
  type TargetName,
} from "../compare/index.js";
import { type LedgerEntry, ledgerEntries, lockedFolioOperations } from "../kernel/index.js";
import { builds, compiledFaults, compiledKernelSource } from "./compiled-kernel.js";
import {
  apart,
  behaveDifferently,
  cellOf,
  type Difference,
  type DifferenceGroup,
  differenceGroups,
  groupRows,
  isMemoryType,
  LEAST_DIFFERENCE,
  lockedDifference,
  placementsOf,
  referenceOf,
  scenarioOf,
  targetsOf,
} from "./differences.js";
import {
  type Block,
  type Column,
  type Content,
  cells,
  paragraph,
  type Section,
  span,
  type TableRow,
} from "./document.js";
import { instructions, shareOf, verdict, wasCompiled } from "./verdict.js";
import {
  factor,
  figure,
  ledgerHead,
  ledgerWords,
  list,
  range,
  rowName,
  rowNames,
  signed,
  time,
  whichRows,
} from "./words.js";

export const title = "Where userfaultfd is asked: the placements compared";

export function sections(comparison: Comparison): Section[] {
  return [
    runSection(comparison),
    timeSection(comparison),
    behaviourSection(comparison),
    ledgerSection(comparison),
    layeringSection(comparison),
    verdictSection(comparison),
  ].filter(({ blocks }) => blocks.length > 0);
}

function runSection(comparison: Comparison): Section {
  const { kernel, machine, memory, pages, order, rounds } = comparison;
  const wrong = comparison.cells.filter(({ verified }) => !verified);
  const blocks: Block[] = [
    paragraph(
      `${machine.cpu}, ${machine.cores} cores, Linux ${kernel.release}, Node ${machine.node}\n`,
      `Memory: the first ${memory.bytes} bytes of ${memory.file}: ${pages} pages, one page of ${memory.bytes / pages} bytes a touch, ${order}\n`,
      `${rounds === 1 ? "1 round" : `${rounds} interleaved rounds`}, in an order of their own each, after a warm-up`,
    ),
    wrong.length === 0
      ? paragraph(`Every byte and every message was right in all ${comparison.cells.length} cells.`)
      : paragraph(
          span("bad", `WRONG BYTES OR MESSAGES in ${wrong.length} of ${comparison.cells.length} cells:`),
          ` ${list(wrong.map((cell) => `${rowName(cell)}: ${cell.target}`))}.`,
        ),
  ];
  return { id: "run", title: "The run", blocks };
}

function timeSection(comparison: Comparison): Section {
  const rows = rowsOf(comparison).filter((row) => row.cells.some(({ nsPerFault }) => nsPerFault !== null));
  if (rows.length === 0) return { id: "time", title: "Time", blocks: [] };
  const { kernel } = comparison;
  const run = targetsOf(comparison);
  const kernelSays = !kernel.userfaultfd || rows.every(({ scenario }) => !scenarioOf(scenario).faultAround);
  const targets: TargetName[] = kernelSays && !run.includes("kernel") ? [...run, "kernel"] : run;
  const ratios = run.includes("in-fault");
  const columns: Column[] = [
    { head: "", align: "left", label: true },
    { head: "faults", align: "right", label: true },
    { head: "messages", align: "left", label: true },
    ...targets.map(
      (target): Column => ({ head: target.replace("-separate", "\n-separate"), align: "right" }),
    ),
  ];
  const body: TableRow[] = [];
  for (const [name, same] of groupRows(rows, ({ scenario }) => scenario)) {
    body.push({
      kind: "heading",
      content: [span("strong", name), `  ${scenarioOf(same[0]!.scenario).text}`],
    });
    for (const row of same) {
      const differences = behaviourDifferences(row);
      body.push(
        cells(
          `${row.access} ${row.sharing}`,
          faultsOf(row),
          differences.length > 0 ? [span("differs", "differ *")] : messagesOf(row.cells[0]!),
          ...targets.map((target) => timeCell(row, target, comparison)),
        ),
      );
      for (const { target, difference } of differences) {
        body.push({ kind: "note", content: [span("differs", `* ${target}: `), difference] });
      }
    }
  }
  const blocks: Block[] = [
    paragraph(
      `ns per page touched: the median${ratios ? ", and its ratio to in-fault's" : ""}; below them the least and the most of ${comparison.rounds} rounds. `,
      "The placements run in one executable kernel, in JavaScript; the column `kernel` is the running Linux, its thread and its handler on one CPU.",
      ratios && comparison.rounds > 1
        ? "\n! after a ratio: all rounds were slower, or all were faster, than every round of in-fault. Without it the clock cannot tell the two apart."
        : "",
    ),
    { kind: "table", caption: "ns per page touched", columns, rows: body },
  ];
  if (rows.some(({ scenario }) => !scenarioOf(scenario).faultAround) && targets.includes("kernel")) {
    blocks.push(
      paragraph("not settable: fault-around is a setting of the whole machine, and is left as it is."),
    );
  }
  if (!kernel.userfaultfd) {
    blocks.push(
      paragraph(
        span("differs", "The running kernel is missing: "),
        `${kernel.why ?? "userfaultfd cannot be used"}.`,
        kernel.mend === undefined ? "" : `\nThis mends it:  ${kernel.mend}`,
      ),
    );
  }
  return { id: "time", title: "Time", blocks };
}

/** Of the executable kernel: threads of the running one have faults of their own. */
function faultsOf(row: Row): string {
  const counted = row.cells.filter(({ target }) => target !== "kernel");
  return range(
    (counted.length > 0 ? counted : row.cells).map(({ faults }) => faults),
    String,
  );
}

function messagesOf({ missingMessages, minorMessages }: Cell): string {
  const kinds = [
    missingMessages > 0 ? `${missingMessages} MISSING` : "",
    minorMessages > 0 ? `${minorMessages} MINOR` : "",
  ];
  return kinds.filter(Boolean).join("\n") || "none";
}

function timeCell(row: Row, target: TargetName, { kernel, rounds }: Comparison): Content {
  const cell = cellOf(row, target);
  if (cell === undefined) {
    if (target !== "kernel") return [span("faint", "–")];
    if (!scenarioOf(row.scenario).faultAround) return [span("faint", "not settable")];
    return [span("faint", kernel.userfaultfd ? "–" : "missing")];
  }
  const wrong = cell.verified ? [] : [span("bad", "WRONG"), "\n"];
  const spread = cell.nsPerFault;
  if (spread === null) return [...wrong, "–"];
  const base = cellOf(row, "in-fault")?.nsPerFault;
  const found = base == null || rounds === 1 || target === "kernel" ? null : apart(spread, base);
  const ratio =
    cell.ratio === null || target === "in-fault"
      ? ""
      : found === null
        ? `  ${factor(cell.ratio)} `
        : span(found === "slower" ? "more" : "less", `  ${factor(cell.ratio)}!`);
  return [
    ...wrong,
    target === "in-fault" && cell.ratio !== null ? span("strong", time(spread.median)) : time(spread.median),
    ratio,
    "\n",
    span("faint", `${range([spread.min, spread.max], time)}${ratio === "" ? "" : " "}`),
  ];
}

/** Rows without a time: what became of the access. Rows with one have their differences in the table of times. */
function behaviourSection(comparison: Comparison): Section {
  const rows = rowsOf(comparison).filter((row) => row.cells.every(({ nsPerFault }) => nsPerFault === null));
  const body: TableRow[] = [];
  for (const [name, same] of groupRows(rows, ({ scenario }) => scenario)) {
    body.push({
      kind: "heading",
      content: [span("strong", name), `  ${scenarioOf(same[0]!.scenario).text}`],
    });
    for (const row of same) {
      const groups = new Map<string, Cell[]>();
      for (const cell of row.cells) {
        const said = `${cell.verified} ${cell.missingMessages} ${cell.minorMessages} ${cell.outcome}`;
        groups.set(said, [...(groups.get(said) ?? []), cell]);
      }
      for (const [first, ...others] of groups.values()) {
        const differs = behaveDifferently(row, first!.target, row.cells[0]!.target);
        const names = [first!, ...others].map(({ target }) => target).join(", ");
        body.push(
          cells(
            first === row.cells[0] ? `${row.access} ${row.sharing}` : "",
            differs ? [span("differs", `* ${names}`)] : `  ${names}`,
            messagesOf(first!),
            [
              ...(first!.verified ? [] : [span("bad", "WRONG"), " "]),
              differs ? span("differs", first!.outcome ?? "") : (first!.outcome ?? ""),
            ],
          ),
        );
      }
    }
  }
  const table: Block = {
    kind: "table",
    caption: "What a program sees",
    columns: [
      { head: "", align: "left", label: true },
      { head: "  target", align: "left", wrap: true },
      { head: "messages", align: "left" },
      { head: "what becomes of the access", align: "left", wrap: true },
    ],
    rows: body,
  };
  const intro = paragraph(`Nothing to time here. * behaves differently from ${rows[0]?.cells[0]?.target}.`);
  return { id: "behaviour", title: "Behaviour", blocks: rows.length > 0 ? [intro, table] : [] };
}

function ledgerSection(comparison: Comparison): Section {
  const reference = referenceOf(comparison);
  const rows = rowsOf(comparison).filter((row) => cellOf(row, reference)?.ledger != null);
  if (reference === null || rows.length === 0) return { id: "ledger", title: "Ledger", blocks: [] };
  const ledgerOf = (row: Row) => cellOf(row, reference)!.ledger!;
  const groups = differenceGroups(comparison);
  const seen = ledgerEntries.filter(
    (entry) =>
      rows.some((row) => figure(ledgerOf(row)[entry]) !== "0") ||
      groups.some(({ differences }) => [...differences.values()].some((one) => one?.has(entry))),
  );
  const baseline = seen.filter((entry) => rows.some((row) => figure(ledgerOf(row)[entry]) !== "0"));
  const key = (row: Row) => baseline.map((entry) => figure(ledgerOf(row)[entry])).join(" ");
  const body: TableRow[] = [];
  for (const [name, ofScenario] of groupRows(rows, ({ scenario }) => scenario)) {
    body.push({ kind: "heading", content: [span("strong", name)] });
    for (const alike of groupRows(ofScenario, key).values()) {
      const ledger = ledgerOf(alike[0]!);
      const all = [...baseline.map((entry) => ledger[entry]), lockedFolioOperations(ledger)].map(figure);
      body.push(
        cells(
          whichRows(alike, ofScenario) || "all",
          ...all.map((text): Content => (text === "0" ? [span("faint", ".")] : text)),
        ),
      );
    }
  }
  const blocks: Block[] = [
    paragraph(
      `What the executable kernel did per fault, counted: no stop-watch is in it. First ${reference}, in full.`,
    ),
    {
      kind: "table",
      caption: `${reference}, per fault`,
      columns: [
        { head: reference, align: "left", label: true },
        ...baseline.map((entry): Column => ({ head: ledgerHead(entry), align: "right" })),
        { head: "locked\non\nfolio", align: "right" },
      ],
      rows: body,
    },
    legend(seen),
    ...differenceBlocks(comparison, groups, reference),
  ];
  return { id: "ledger", title: "Ledger", blocks };
}

function legend(entries: readonly LedgerEntry[]): Block {
  return {
    kind: "table",
    caption: "What is counted",
    columns: [
      { head: "counted", align: "left", label: true },
      { head: "what it is", align: "left", wrap: true },
    ],
    rows: [
      ...entries.map((entry) => cells(ledgerWords[entry].name, ledgerWords[entry].text)),
      cells("locked on folio", "folio gets, puts, locks and unlocks together: what locks a cache line"),
    ],
  };
}

function differenceBlocks(
  comparison: Comparison,
  groups: readonly DifferenceGroup[],
  reference: TargetName,
): Block[] {
  const others = placementsOf(comparison).filter((target) => target !== reference);
  if (others.length === 0) return [];
  const isEqual = ({ differences }: DifferenceGroup) =>
    [...differences.values()].every((one) => one?.size === 0);
  const withCompiled = reference === "in-fault" && groups.some(({ rows }) => rows.some(hasCompiled));
  const body: TableRow[] = [];
  for (const group of groups.filter((one) => !isEqual(one))) {
    body.push({ kind: "heading", content: [span("strong", rowNames(group.rows, comparison))] });
    if (withCompiled && group.rows.some(hasCompiled)) {
      body.push(
        cells(reference, [span("faint", "above")], "", ...builds.map((build) => compiledBase(group, build))),
      );
    }
    for (const target of others) {
      const difference = group.differences.get(target) ?? null;
      body.push(
        cells(
          target,
          differenceCell(group, target, difference, reference),
          difference === null ? "" : lockedCell(difference),
          ...(withCompiled ? builds.map((build) => compiledCell(group, build, target)) : []),
        ),
      );
    }
  }
  const equal = groups.filter(isEqual).flatMap(({ rows }) => rows);
  const nothing =
    equal.length > 0
      ? [paragraph(span("strong", "Nothing differs: "), `${rowNames(equal, comparison)}.`)]
      : [];
  if (body.length === 0) return nothing;
  return [
    paragraph(
      `What each other placement counts more (+) or less (-) than ${reference}, per fault. Less than ${LEAST_DIFFERENCE} per fault is left out.`,
    ),
    ...(withCompiled
      ? [
          paragraph(
            `Beside it the same difference in a compiled kernel, in instructions per fault, where they were counted; with its share of in-fault's if that is 0.5 % or more. Source: ${compiledKernelSource}. `,
            "UP: one CPU, no mitigations. SMP: as distributions have it, mitigations off; of fault-reason-separate it has the form with unlikely(). ",
            "A few instructions up or down are the compiler's choice of registers.",
          ),
        ]
      : []),
    {
      kind: "table",
      caption: `Differences from ${reference}, per fault`,
      columns: [
        { head: "placement", align: "left", label: true },
        { head: "ledger", align: "left", wrap: true },
        { head: "locked\non folio", align: "right" },
        ...(withCompiled
          ? builds.map((build): Column => ({ head: `compiled ${build},\ninstructions`, align: "right" }))
          : []),
      ],
      rows: body,
    },
    ...nothing,
  ];
}

function hasCompiled(row: Row): boolean {
  return compiledFaults(row).length > 0;
}

function differenceCell(
  { rows }: DifferenceGroup,
  target: TargetName,
  difference: Difference | null,
  reference: TargetName,
): Content {
  if (difference === null) {
    return behaveDifferently(rows[0]!, target, reference)
      ? [span("differs", "* does something else")]
      : [span("faint", "–")];
  }
  if (difference.size === 0) return [span("faint", "=")];
  return [...difference].flatMap(([entry, by], index) => [
    index === 0 ? "" : ", ",
    `${ledgerWords[entry].name} `,
    span(by > 0 ? "more" : "less", signed(by)),
  ]);
}

function lockedCell(difference: Difference): Content {
  const locked = lockedDifference(difference);
  return locked === 0 ? [span("faint", "=")] : [span(locked > 0 ? "more" : "less", signed(locked))];
}

function compiledOf({ rows }: DifferenceGroup, build: (typeof builds)[number]) {
  return rows.flatMap(compiledFaults).filter((fault) => fault.build === build);
}

function compiledBase(group: DifferenceGroup, build: (typeof builds)[number]): Content {
  return [
    span(
      "faint",
      range(
        compiledOf(group, build).map(({ inFault }) => inFault),
        String,
      ),
    ),
  ];
}

function compiledCell(group: DifferenceGroup, build: (typeof builds)[number], target: TargetName): Content {
  const faults = compiledOf(group, build);
  return [...groupFaults(faults).values()].flatMap((alike, index) => {
    const shares = alike.map(shareOf(target));
    const page = alike[0]!.page;
    const text = wasCompiled(alike, target) ? instructions(alike, target) : "";
    const isLarge = shares.some((percent) => Math.abs(percent) >= 1);
    const figures = isLarge ? span(shares[0]! > 0 ? "more" : "less", text) : text;
    return [index === 0 ? "" : "\n", figures, page === undefined ? "" : ` ${page}`];
  });
}

function groupFaults(faults: ReturnType<typeof compiledOf>) {
  const groups = new Map<string | undefined, typeof faults>();
  for (const fault of faults) groups.set(fault.page, [...(groups.get(fault.page) ?? []), fault]);
  return groups;
}

function layeringSection(comparison: Comparison): Section {
  const know = placementsOf(comparison).flatMap((target) => {
    const files = comparison.knowHandleUserfault[target];
    return files === undefined ? [] : [{ target, files }];
  });
  const common =
    know.length > 1 ? know[0]!.files.filter((file) => know.every(({ files }) => files.includes(file))) : [];
  const body = know.map(({ target, files }) => {
    const own = files.filter((file) => !common.includes(file));
    return cells(
      target,
      String(files.length),
      own.flatMap((file, index) => [
        index === 0 ? "" : ", ",
        isMemoryType(file) ? span("differs", `${file} *`) : file,
      ]),
    );
  });
  const intro = paragraph(
    "The files of the executable kernel that import handleUserfault() in each placement. * is a memory type's file.",
    common.length > 0 ? ` All placements have ${list(common)}, counted but not repeated.` : "",
  );
  const table: Block = {
    kind: "table",
    caption: "Who has to know handleUserfault()",
    columns: [
      { head: "placement", align: "left", label: true },
      { head: "files", align: "right" },
      { head: common.length > 0 ? "besides" : "which", align: "left", wrap: true },
    ],
    rows: body,
  };
  return {
    id: "layering",
    title: "Who has to know handle_userfault()",
    blocks: know.length > 0 ? [intro, table] : [],
  };
}

function verdictSection(comparison: Comparison): Section {
  const items = verdict(comparison).map(({ question, sentences }) => ({
    term: [span("strong", question)],
    sentences,
  }));
  return { id: "verdict", title: "Verdict", blocks: items.length > 0 ? [{ kind: "list", items }] : [] };
}
