/**
 * What of a comparison differs from what: by the ledger, by the clock, and in the compiled kernel.
 */
import {
  behaviourDifferences,
  type Cell,
  type Comparison,
  type Row,
  rowsOf,
  type Scenario,
  type ScenarioName,
  type Spread,
  scenarios,
  type TargetName,
  targetNames,
} from "../compare/index.js";
import { type LedgerEntry, ledgerEntries, lockedFolioOperations } from "../kernel/index.js";

/** Less than this per fault is left out: a page table is allocated every 512th fault, and that is not what is compared. */
export const LEAST_DIFFERENCE = 0.01;

export type Difference = ReadonlyMap<LedgerEntry, number>;

/** The placements that were run, in the order of the tables. */
export function placementsOf(comparison: Comparison): TargetName[] {
  return targetsOf(comparison).filter((target) => target !== "kernel");
}

export function targetsOf({ cells }: Comparison): TargetName[] {
  return targetNames.filter((name) => cells.some(({ target }) => target === name));
}

/** What the others are held against: in-fault, else the first placement that was run. */
export function referenceOf(comparison: Comparison): TargetName | null {
  return placementsOf(comparison)[0] ?? null;
}

export function cellOf(row: Row, target: TargetName | null): Cell | undefined {
  return row.cells.find((cell) => cell.target === target);
}

export function scenarioOf(name: ScenarioName): Scenario {
  return scenarios.find((scenario) => scenario.name === name)!;
}

/** The rows of all scenarios that are like this. */
export function rowsWhere(comparison: Comparison, like: (scenario: Scenario) => boolean): Row[] {
  return rowsOf(comparison).filter((row) => like(scenarioOf(row.scenario)));
}

/** Whether two targets do something else in this row: then their costs are not comparable. */
export function behaveDifferently(row: Row, one: TargetName, other: TargetName): boolean {
  const differences = new Map(
    behaviourDifferences(row).map(({ target, difference }) => [target, difference]),
  );
  return differences.get(one) !== differences.get(other);
}

/** By ledger entry, what a target counts more per fault than another; null where one of them has no ledger, or does something else. */
export function ledgerDifference(row: Row, target: TargetName, reference: TargetName): Difference | null {
  const mine = cellOf(row, target)?.ledger;
  const theirs = cellOf(row, reference)?.ledger;
  if (mine == null || theirs == null) return null;
  if (behaveDifferently(row, target, reference)) return null;
  return new Map(
    ledgerEntries
      .map((entry) => [entry, mine[entry] - theirs[entry]] as const)
      .filter(([, by]) => Math.abs(by) >= LEAST_DIFFERENCE),
  );
}

/** The atomic operations on folios in a difference. */
export function lockedDifference(difference: Difference): number {
  const all = Object.fromEntries(ledgerEntries.map((entry) => [entry, difference.get(entry) ?? 0]));
  return lockedFolioOperations(all as Record<LedgerEntry, number>);
}

/** Rows in which each placement differs from the reference in the same way. */
export interface DifferenceGroup {
  readonly rows: readonly Row[];
  /** null: it does something else, or was not run here. */
  readonly differences: ReadonlyMap<TargetName, Difference | null>;
}

export function differenceGroups(comparison: Comparison): DifferenceGroup[] {
  const reference = referenceOf(comparison);
  if (reference === null) return [];
  const others = placementsOf(comparison).filter((target) => target !== reference);
  const groups = new Map<string, DifferenceGroup & { rows: Row[] }>();
  for (const row of rowsOf(comparison)) {
    if (cellOf(row, reference)?.ledger == null) continue;
    const differences = new Map(others.map((target) => [target, ledgerDifference(row, target, reference)]));
    const key = [...differences.values()].map((one) => (one === null ? "?" : differenceKey(one))).join("|");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { rows: [row], differences });
    else group.rows.push(row);
  }
  return [...groups.values()];
}

function differenceKey(difference: Difference): string {
  return [...difference].map(([entry, by]) => `${entry} ${by.toFixed(2)}`).join(", ");
}

/** Values in the order they came, each with the rows that have it. */
export function groupRows(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

/** Whether all rounds of one took longer than all rounds of the other. */
export function apart(one: Spread, other: Spread): "slower" | "faster" | null {
  if (one.min > other.max) return "slower";
  if (one.max < other.min) return "faster";
  return null;
}

/** Whether a file of the kernel is a memory type's. */
export function isMemoryType(file: string): boolean {
  return /(^|\/)files\//.test(file);
}
