/**
 * The last level of the page table: what one entry of the level above (a pmd) points to. The levels above are a map from pmd
 * number to table, in Mm.
 */
import { Lock, type Task } from "../tasks/index.js";
import type { Pte } from "./pte.js";

export class PageTable {
  /** The page-table lock: entries are written under it, and read without it. */
  readonly lock = new Lock();
  readonly entries: Int32Array;

  constructor(entries: number) {
    this.entries = new Int32Array(entries);
  }

  /** set_pte_at(), the lock held. */
  set(current: Task, index: number, pte: Pte): void {
    current.ledger.ptesSet++;
    this.entries[index] = pte;
  }

  /** ptep_get() */
  get(index: number): Pte {
    const pte = this.entries[index];
    if (pte === undefined) throw new Error(`a page table has no entry ${index}`);
    return pte;
  }
}

/** pte_offset_map_lock(): `while (!pteLock(current, table)) yield;` */
export function pteLock(current: Task, table: PageTable): boolean {
  if (!table.lock.lock(current)) return false;
  current.ledger.pageTableLocks++;
  return true;
}
