/**
 * Numbers and names, as a reader sees them.
 */
import { type Comparison, type Row, rowsOf, scenarios, type TargetName } from "../compare/index.js";
import type { LedgerEntry } from "../kernel/index.js";

/** What a ledger entry is called, and what it counts. */
export const ledgerWords: Readonly<Record<LedgerEntry, { readonly name: string; readonly text: string }>> = {
  flagTests: { name: "flag tests", text: "tests of the VMA's userfaultfd flags" },
  resultTests: { name: "result tests", text: "tests of what ->fault() returned, in __do_fault()" },
  indirectCalls: { name: "indirect calls", text: "calls of ->fault(), ->map_pages(), get_folio_noalloc()" },
  pageCacheLookups: { name: "page-cache lookups", text: "walks to a folio, which is then referenced" },
  presenceProbes: {
    name: "presence probes",
    text: "walks that only ask whether anything is there: no reference, no lock",
  },
  folioGets: { name: "folio gets", text: "references taken, atomic" },
  folioPuts: { name: "folio puts", text: "references dropped, atomic" },
  folioLocks: { name: "folio locks", text: "folio locks taken, atomic" },
  folioUnlocks: { name: "folio unlocks", text: "folio locks released, atomic" },
  pageTableLocks: { name: "page-table locks", text: "locks of a page table taken" },
  vmaLocks: { name: "VMA locks", text: "per-VMA locks taken" },
  mmapLocks: { name: "mmap locks", text: "locks of the address space taken" },
  allocations: { name: "allocations", text: "folios and page tables allocated" },
  allocationsThrownAway: { name: "allocations thrown away", text: "those of them that were freed unused" },
  ptesSet: { name: "PTEs set", text: "page-table entries written" },
  waitQueueOperations: {
    name: "wait-queue operations",
    text: "entries added to one or taken off, and calls to wake",
  },
  sleeps: { name: "sleeps", text: "of the faulting thread, in handle_userfault()" },
};

/** Over a column of figures; what is thrown away stands beside the allocations. */
export function ledgerHead(entry: LedgerEntry): string {
  return ledgerWords[entry].name.replace("allocations ", "").replaceAll(" ", "\n");
}

/** At most two decimals. */
export function figure(value: number): string {
  return String(Number(value.toFixed(2)));
}

export function signed(value: number): string {
  const text = figure(value);
  return value > 0 && text !== "0" ? `+${text}` : text;
}

/** "+6.0" */
export function share(percent: number): string {
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)}`;
}

/** Nanoseconds. */
export function time(nanoseconds: number): string {
  return nanoseconds < 10 ? nanoseconds.toFixed(1) : String(Math.round(nanoseconds));
}

export function factor(ratio: number): string {
  return `×${ratio.toFixed(2)}`;
}

/** "3", "3–7". */
export function range(values: readonly number[], format: (value: number) => string): string {
  const low = format(Math.min(...values));
  const high = format(Math.max(...values));
  return low === high ? low : `${low}–${high}`;
}

/** "×1.02", "×0.98–1.10". */
export function factors(ratios: readonly number[]): string {
  return `×${range(ratios, (ratio) => ratio.toFixed(2))}`;
}

/** "+3", "-1..+3". */
export function signedRange(values: readonly number[], format = signed): string {
  const low = format(Math.min(...values));
  const high = format(Math.max(...values));
  return low === high ? low : `${low}..${high}`;
}

/** "a", "a and b", "a, b and c". */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

export function rowName({ scenario, access, sharing }: Omit<Row, "cells">): string {
  return `${scenario} ${access} ${sharing}`;
}

/** Rows by scenario; what was run of a scenario is not spelled out where it is all of it: "minor-hit, plain-hit (write)". */
export function rowNames(rows: readonly Row[], comparison: Comparison): string {
  const all = rowsOf(comparison);
  return scenarios
    .map(({ name }) => {
      const mine = rows.filter(({ scenario }) => scenario === name);
      const run = all.filter(({ scenario }) => scenario === name);
      if (mine.length === 0) return "";
      const which = whichRows(mine, run);
      // A name that would read on as a word.
      const spoken = name === "both" ? '"both"' : name;
      return which === "" ? spoken : `${spoken} (${which})`;
    })
    .filter(Boolean)
    .join(", ");
}

/** "write", "shared", "read shared, write private": as short as the rows that were run allow; empty for all of them. */
export function whichRows(rows: readonly Row[], run: readonly Row[]): string {
  if (rows.length === run.length) return "";
  for (const axis of ["access", "sharing"] as const) {
    const values = new Set(rows.map((row) => row[axis]));
    if (rows.length === run.filter((row) => values.has(row[axis])).length) return [...values].join(", ");
  }
  return rows.map(({ access, sharing }) => `${access} ${sharing}`).join(", ");
}

/** Targets that say the same are named together. In the order of the tables. */
export function byTargets(
  said: readonly (readonly [TargetName, string])[],
): [names: TargetName[], said: string][] {
  const groups = new Map<string, TargetName[]>();
  for (const [target, text] of said) groups.set(text, [...(groups.get(text) ?? []), target]);
  return [...groups].map(([text, targets]) => [targets, text]);
}
