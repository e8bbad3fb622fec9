/**
 * What a comparison found: the form of `userfault compare --json`, and all that the tables and the report are made of.
 */
import type { LedgerEntry } from "../kernel/index.js";
import type { Access } from "../machine/index.js";
import type { ScenarioName, Sharing } from "./scenarios.js";
import type { TargetName } from "./targets.js";

export interface Comparison {
  readonly kernel: RunningKernel;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  /** What the memory holds: the first bytes of a file. */
  readonly memory: { readonly file: string; readonly bytes: number };
  /** Pages touched in each round. */
  readonly pages: number;
  readonly order: Order;
  readonly rounds: number;
  /** In the order of the tables: by scenario, access and sharing, then by target. */
  readonly cells: readonly Cell[];
  /** By placement: the files of the kernel that have to know handle_userfault(), read from their imports. */
  readonly knowHandleUserfault: Readonly<Partial<Record<TargetName, readonly string[]>>>;
}

export interface RunningKernel {
  readonly release: string;
  /** Whether it could be asked. */
  readonly userfaultfd: boolean;
  /** Why it could not be asked, and the command that mends it. */
  readonly why?: string;
  readonly mend?: string;
}

export type Order = "sequential" | "random";

export interface Cell {
  readonly scenario: ScenarioName;
  readonly access: Access;
  readonly sharing: Sharing;
  readonly target: TargetName;
  /** Page faults taken in a round. On the running kernel the least of the rounds: its thread has faults of its own. */
  readonly faults: number;
  /** Messages read in a round, and of which kind. */
  readonly messages: number;
  readonly missingMessages: number;
  readonly minorMessages: number;
  /** Every byte was what it had to be. */
  readonly verified: boolean;
  /** Time of a round by pages touched, over the rounds; null where there is nothing to time. */
  readonly nsPerFault: Spread | null;
  /** Median by the median of in-fault in the same run; null without in-fault. */
  readonly ratio: number | null;
  /** Counted per fault; null on the running kernel. */
  readonly ledger: Readonly<Record<LedgerEntry, number>> | null;
  /** What became of an access that no page was there for. */
  readonly outcome?: string;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The cells of one scenario, access and sharing: a row of the tables. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly access: Access;
  readonly sharing: Sharing;
  readonly cells: readonly Cell[];
}

export function rowsOf(comparison: Comparison): Row[] {
  const rows = new Map<string, Row & { cells: Cell[] }>();
  for (const cell of comparison.cells) {
    const { scenario, access, sharing } = cell;
    const key = `${scenario} ${access} ${sharing}`;
    let row = rows.get(key);
    if (row === undefined) {
      row = { scenario, access, sharing, cells: [] };
      rows.set(key, row);
    }
    row.cells.push(cell);
  }
  return [...rows.values()];
}

/**
 * Where targets differ in what a program can see: which messages, or what became of the access. By target, in words; empty where
 * all agree with the first one.
 */
export function behaviourDifferences(
  row: Row,
): { readonly target: TargetName; readonly difference: string }[] {
  const [first, ...others] = row.cells;
  if (first === undefined) return [];
  return others
    .filter((cell) => behaviour(cell) !== behaviour(first))
    .map((cell) => ({
      target: cell.target,
      difference: `${behaviour(cell)}; ${first.target}: ${behaviour(first)}`,
    }));
}

function behaviour(cell: Cell): string {
  const messages =
    cell.messages === 0
      ? "no message"
      : [
          cell.missingMessages > 0 ? `${cell.missingMessages} MISSING` : "",
          cell.minorMessages > 0 ? `${cell.minorMessages} MINOR` : "",
        ]
          .filter(Boolean)
          .join(", ");
  return cell.outcome === undefined ? messages : `${messages}, ${cell.outcome}`;
}
