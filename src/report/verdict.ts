/**
 * What the results say, in words. Each sentence is made of figures of this comparison, or of the compiled kernel's for the rows
 * that were run; where a question's rows were not run, nothing is said.
 */
import { UFFDIO_REGISTER_MODE_MINOR, UFFDIO_REGISTER_MODE_MISSING } from "../abi/index.js";
import {
  behaviourDifferences,
  type Comparison,
  type Row,
  rowsOf,
  type TargetName,
} from "../compare/index.js";
import { ledgerEntries } from "../kernel/index.js";
import { type Build, builds, type CompiledFault, compiledFaults } from "./compiled-kernel.js";
import {
  apart,
  cellOf,
  type Difference,
  groupRows,
  isMemoryType,
  ledgerDifference,
  lockedDifference,
  placementsOf,
  referenceOf,
  rowsWhere,
  targetsOf,
} from "./differences.js";
import {
  byTargets,
  factors,
  figure,
  ledgerWords,
  list,
  range,
  rowName,
  rowNames,
  share,
  signed,
  signedRange,
} from "./words.js";

export interface Answer {
  readonly question: string;
  readonly sentences: readonly string[];
}

export function verdict(comparison: Comparison): Answer[] {
  return [
    verification(comparison),
    whoPays(comparison),
    notRegistered(comparison),
    minorActive(comparison),
    separateTest(comparison),
    minorMiss(comparison),
    missingHit(comparison),
    runningKernel(comparison),
    behaviour(comparison),
    exporting(comparison),
  ].filter(({ sentences }) => sentences.length > 0);
}

function verification({ cells }: Comparison): Answer {
  const wrong = cells.filter(({ verified }) => !verified);
  const where = wrong.map((cell) => `${cell.target} on ${rowName(cell)}`);
  const sentence = `NO: wrong bytes or messages in ${wrong.length} of ${cells.length} cells, whose figures mean nothing: ${list(where)}.`;
  return { question: "Is the memory right?", sentences: wrong.length > 0 ? [sentence] : [] };
}

function whoPays(comparison: Comparison): Answer {
  const [reference, ...targets] = placementsOf(comparison);
  const costsOf = targets.map(
    (target) => [target, costs(comparison, rowsOf(comparison), target, isDear)] as const,
  );
  const sentences = byTargets(costsOf.filter(([, said]) => said !== "")).map(
    ([names, said]) =>
      `${list(names)}: ${said === NOTHING ? `no more and no less than ${reference}` : said}.`,
  );
  return {
    question: `Who pays what, where? Walks of the page cache and locked operations on folios, against ${reference}`,
    sentences,
  };
}

function notRegistered(comparison: Comparison): Answer {
  const rows = rowsWhere(comparison, ({ mode }) => mode === 0);
  return {
    question: "(a) userfaultfd is not in the picture: what does a plain fault pay?",
    sentences: [
      ...whetherOnlyTests(comparison, rows),
      ...compiled(comparison, rows),
      ...clock(comparison, rows),
    ],
  };
}

function whetherOnlyTests(comparison: Comparison, rows: readonly Row[]): string[] {
  const targets = others(comparison);
  const reference = referenceOf(comparison);
  if (reference === null) return [];
  const differences = targets.flatMap((target) =>
    rows.flatMap((row) => ledgerDifference(row, target, reference) ?? []),
  );
  if (differences.length === 0) return [];
  const isTest = (entry: string) => entry === "flagTests" || entry === "resultTests";
  const more = new Set(differences.flatMap((one) => [...one.keys()].filter((entry) => !isTest(entry))));
  const tests = differences.map((one) => (one.get("flagTests") ?? 0) + (one.get("resultTests") ?? 0));
  let sentence = `${list(targets)} count just what ${reference} counts.`;
  if (more.size > 0) {
    sentence = `More than tests differs from ${reference}: ${list([...more].map((entry) => ledgerWords[entry].name))}.`;
  } else if (tests.some((by) => by !== 0)) {
    sentence = `Nothing but tests of flags or results differs from ${reference}: ${signedRange(tests)} a fault.`;
  }
  const everySame = more.size === 0 && tests.every((by) => by === 0);
  return everySame ? [sentence] : [sentence, ...counted(comparison, rows)];
}

function minorActive(comparison: Comparison): Answer {
  const rows = rowsWhere(
    comparison,
    ({ mode, cached }) => mode === UFFDIO_REGISTER_MODE_MINOR && cached === "all",
  );
  return {
    question: "(b) MINOR is registered and used: what does a round trip pay?",
    sentences: [...counted(comparison, rows), ...compiled(comparison, rows), ...clock(comparison, rows)],
  };
}

/** What a test of its own costs, where the thread argues whether it must be unlikely(). */
function separateTest(comparison: Comparison): Answer {
  const separate = "fault-reason-separate";
  const inside = "fault-reason";
  const rows = rowsOf(comparison).filter((row) => ledgerDifference(row, separate, inside) !== null);
  const question = "unlikely: what does a test of its own cost?";
  if (rows.length === 0) return { question, sentences: [] };
  const costsOf = [...groupRows(rows, (row) => inWords(ledgerDifference(row, separate, inside)!))]
    .sort(([, some], [, more]) => some.length - more.length)
    .map(([said, same], index, groups) => {
      if (index < groups.length - 1) return `${said || NOTHING} on ${rowNames(same, comparison)}`;
      return `${said || NOTHING} on every ${index === 0 ? "row" : "other row"}`;
    });
  const roundTrips = rows.filter((row) => cellOf(row, separate)!.messages > 0);
  return {
    question,
    sentences: [
      `Against a test inside the error branch (${inside}) it counts ${list(costsOf)}.`,
      ...shareOfTest(roundTrips),
      ...compiledUnlikely(rows.flatMap(compiledFaults)),
      ...clock(comparison, roundTrips, inside, [separate]),
    ],
  };

  function shareOfTest(these: readonly Row[]): string[] {
    if (these.length === 0) return [];
    const counts = these.map((row) => {
      const ledger = cellOf(row, separate)!.ledger!;
      return Math.round(ledgerEntries.reduce((sum, entry) => sum + ledger[entry], 0));
    });
    const tests = these.map((row) => ledgerDifference(row, separate, inside)!.get("resultTests") ?? 0);
    return [
      `Of ${range(counts, String)} operations counted for a fault that raises a message, ${range(tests, figure)} is this test: all that an unlikely() can work on.`,
    ];
  }

  function compiledUnlikely(faults: readonly CompiledFault[]): string[] {
    const up = ofBuild(faults, "UP");
    if (up.length === 0) return [];
    const of = (build: Build, target: TargetName) =>
      signedRange(ofBuild(faults, build).map(({ difference }) => difference[target]!));
    const each = builds.map((build) => `${of(build, separate)} ${build} against ${of(build, inside)}`);
    // SMP was built with unlikely() only.
    const changed = up.filter(
      ({ difference, separateUnlikely }) => difference[separate] !== separateUnlikely,
    );
    return [
      `Instructions in the compiled kernel, a test of its own against one inside, as differences from in-fault: ${list(each)}.`,
      `unlikely() changes the number of instructions (UP) in ${changed.length === 0 ? "none" : changed.length} of these faults.`,
    ];
  }
}

function minorMiss(comparison: Comparison): Answer {
  const rows = rowsWhere(
    comparison,
    ({ mode, cached }) => mode === UFFDIO_REGISTER_MODE_MINOR && cached === "none",
  );
  return {
    question: "A page-cache miss where MINOR alone is registered: what does asking first cost?",
    sentences: [
      ...counted(comparison, rows, isDear),
      ...compiled(comparison, rows),
      ...clock(comparison, rows),
    ],
  };
}

function missingHit(comparison: Comparison): Answer {
  const rows = rowsWhere(
    comparison,
    ({ mode, cached }) => mode === UFFDIO_REGISTER_MODE_MISSING && cached === "all",
  );
  return {
    question: "A cached page where MISSING is registered: what does asking first cost?",
    sentences: [
      ...counted(comparison, rows, isDear),
      ...compiled(comparison, rows),
      ...clock(comparison, rows),
    ],
  };
}

function runningKernel(comparison: Comparison): Answer {
  const reference = referenceOf(comparison);
  const ratioOf = (row: Row) => {
    const kernel = cellOf(row, "kernel")?.nsPerFault;
    const placement = cellOf(row, reference)?.nsPerFault;
    return kernel == null || placement == null ? [] : [kernel.median / placement.median];
  };
  const scenarios = [...groupRows(rowsOf(comparison), ({ scenario }) => scenario).values()].flatMap(
    (rows) => {
      const timed = rows.filter((row) => ratioOf(row).length > 0);
      return timed.length > 0 ? [`${factors(timed.flatMap(ratioOf))} on ${rowNames(timed, comparison)}`] : [];
    },
  );
  return {
    question: `The running kernel: how long does it take, against ${reference} in the executable one?`,
    sentences: scenarios.length > 0 ? [`${list(scenarios)}.`] : [],
  };
}

function behaviour(comparison: Comparison): Answer {
  const rows = rowsOf(comparison).filter(({ cells }) => cells.length > 1);
  const inRow = (row: Row) =>
    behaviourDifferences(row)
      .map(({ target, difference }) => `${target}: ${difference}`)
      .join(". ");
  const groups = [...groupRows(rows, inRow)].filter(([said]) => said !== "");
  const sentences = groups.map(([said, same]) => `YES, on ${rowNames(same, comparison)}. ${said}.`);
  const alike = rows.filter((row) => inRow(row) === "").length;
  if (alike > 0) {
    const which = alike === rows.length ? `all ${alike} rows` : `the other ${alike} of ${rows.length} rows`;
    sentences.push(`In ${which} it gets the same messages and results from ${list(targetsOf(comparison))}.`);
  }
  return { question: "Can a program tell them apart?", sentences };
}

function exporting(comparison: Comparison): Answer {
  const know = placementsOf(comparison).flatMap((target) => {
    const files = comparison.knowHandleUserfault[target];
    return files === undefined ? [] : [[target, list(files.filter(isMemoryType))] as const];
  });
  return {
    question: "Exporting handle_userfault(): which memory types have to know it?",
    sentences: byTargets(know).map(([targets, files]) =>
      files === "" ? `${list(targets)}: none.` : `${list(targets)}: ${files}.`,
    ),
  };
}

/** What is held against the reference. What a separate test costs more has a question of its own. */
function others(comparison: Comparison): TargetName[] {
  const [, ...targets] = placementsOf(comparison);
  return targets.includes("fault-reason")
    ? targets.filter((name) => name !== "fault-reason-separate")
    : targets;
}

/** What each placement counts more than the reference. */
function counted(comparison: Comparison, rows: readonly Row[], matters = (_name: string) => true): string[] {
  const said = others(comparison).map(
    (target) => [target, costs(comparison, rows, target, matters)] as const,
  );
  const groups = byTargets(said.filter(([, text]) => text !== ""));
  if (groups.length === 0) return [];
  const each = groups.map(([targets, text]) => `${list(targets)}: ${text}`);
  return [`Counted per fault, against ${referenceOf(comparison)}: ${each.join("; ")}.`];
}

const NOTHING = "nothing";

/** "flag tests +1 on plain-miss", with the rows only where it is not all of them; empty where nothing is known. */
function costs(
  comparison: Comparison,
  rows: readonly Row[],
  target: TargetName,
  matters: (name: string) => boolean,
): string {
  const reference = referenceOf(comparison)!;
  const known = rows.filter((row) => ledgerDifference(row, target, reference) !== null);
  const groups = groupRows(known, (row) => inWords(ledgerDifference(row, target, reference)!, matters));
  if (groups.size === 1) return [...groups.keys()][0] || NOTHING;
  return [...groups]
    .filter(([said]) => said !== "")
    .map(([said, same]) => `${said} on ${rowNames(same, comparison)}`)
    .join("; ");
}

const LOCKED = "locked folio operations";

/** What is more than a test of a word in a cache line that is there: walks, and what locks a cache line. */
function isDear(name: string): boolean {
  return [LOCKED, ledgerWords.pageCacheLookups.name, ledgerWords.presenceProbes.name].includes(name);
}

/** "page-cache lookups +1, locked folio operations +4": the four atomic operations on folios are one. */
function inWords(difference: Difference, matters = (_name: string) => true): string {
  const locked = lockedDifference(difference);
  const named = [...difference]
    .filter(([entry]) => !entry.startsWith("folio"))
    .map(([entry, by]) => [ledgerWords[entry].name, by] as const);
  return [...named, ...(locked === 0 ? [] : [[LOCKED, locked] as const])]
    .filter(([name]) => matters(name))
    .map(([name, by]) => `${name} ${signed(by)}`)
    .join(", ");
}

/** The compiled kernel's instructions for these rows: by name from one per cent on. */
function compiled(comparison: Comparison, rows: readonly Row[]): string[] {
  if (referenceOf(comparison) !== "in-fault") return [];
  const faults = rows.flatMap(compiledFaults);
  const targets = others(comparison).filter((target) => wasCompiled(faults, target));
  if (faults.length === 0 || targets.length === 0) return [];
  const isLarge = (target: TargetName) =>
    faults.map(shareOf(target)).some((percent) => Math.abs(percent) >= 1);
  const each = targets.filter(isLarge).map((target) => {
    const figures = builds.map((build) => `${instructions(ofBuild(faults, build), target)} ${build}`);
    return `${target} ${figures.join(", ")}`;
  });
  const small = targets.filter((target) => !isLarge(target));
  if (small.length > 0) {
    const by = faults.flatMap(({ difference }) => small.map((target) => difference[target]!));
    each.push(`${list(small)} ${signedRange(by)}, which is under 1 %`);
  }
  const base = builds.map(
    (build) =>
      `${range(
        ofBuild(faults, build).map(({ inFault }) => inFault),
        String,
      )} ${build}`,
  );
  return [`Instructions in the compiled kernel, against in-fault's ${list(base)}: ${each.join("; ")}.`];
}

function ofBuild(faults: readonly CompiledFault[], build: Build): CompiledFault[] {
  return faults.filter((fault) => fault.build === build);
}

/** Whether a placement was measured in the compiled kernel: one that has been added here was not. */
export function wasCompiled(faults: readonly CompiledFault[], target: TargetName): boolean {
  return faults.every(({ difference }) => difference[target] !== undefined);
}

/** "+171 (+6.2..+6.8 %)": the share is left out under half a per cent. */
export function instructions(faults: readonly CompiledFault[], target: TargetName): string {
  const by = signedRange(faults.map(({ difference }) => difference[target]!));
  const shares = faults.map(shareOf(target));
  return shares.every((percent) => Math.abs(percent) < 0.5) ? by : `${by} (${signedRange(shares, share)} %)`;
}

/** In per cent of in-fault's instructions. */
export function shareOf(target: TargetName): (fault: CompiledFault) => number {
  return ({ difference, inFault }) => (100 * difference[target]!) / inFault;
}

/** Whether the clock can tell targets from the reference: whether all rounds of one took longer than all rounds of the other. */
function clock(
  comparison: Comparison,
  rows: readonly Row[],
  reference = referenceOf(comparison),
  targets = others(comparison),
): string[] {
  const same: TargetName[] = [];
  const sameRatios: number[] = [];
  const different: string[] = [];
  for (const target of targets) {
    const timed = rows.flatMap((row) => {
      const mine = cellOf(row, target)?.nsPerFault;
      const theirs = cellOf(row, reference)?.nsPerFault;
      return mine == null || theirs == null ? [] : [{ mine, theirs }];
    });
    if (timed.length === 0) continue;
    const ratios = timed.map(({ mine, theirs }) => mine.median / theirs.median);
    const found = timed.map(({ mine, theirs }) => apart(mine, theirs));
    const directions = (["slower", "faster"] as const).flatMap((direction) => {
      const count = found.filter((one) => one === direction).length;
      return count > 0 ? [`${direction} in ${count} of ${timed.length} rows`] : [];
    });
    if (directions.length > 0 && comparison.rounds > 1) {
      different.push(`${target} is ${directions.join(" and ")} (${factors(ratios)})`);
    } else {
      same.push(target);
      sameRatios.push(...ratios);
    }
  }
  const sentences: string[] = [];
  if (same.length > 0) {
    const why = comparison.rounds === 1 ? "one round has no spread" : "their rounds overlap in every row";
    sentences.push(
      `The clock cannot tell ${list(same)} from ${reference}: ${factors(sameRatios)}, and ${why}.`,
    );
  }
  if (different.length > 0) {
    sentences.push(`By the clock, in rows where no round overlaps ${reference}'s: ${different.join("; ")}.`);
  }
  return sentences;
}
