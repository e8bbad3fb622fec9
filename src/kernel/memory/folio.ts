/**
 * A folio (struct folio): one page of physical memory and what the kernel knows of it. Large folios are not modelled.
 *
 * References: one is held by the page cache, one by each page-table entry, one by whoever looks at it. The last put frees it.
 */
import { Lock, type Task } from "../tasks/index.js";
import type { AddressSpace } from "./address-space.js";

/** The lock is the folio's own bit, PG_locked. It guards `mapping`: who has locked a folio checks that it still belongs there. */
export class Folio extends Lock {
  refcount = 1;
  /** How many page-table entries map it. */
  mapcount = 0;
  /** The page cache it is in; null if it is anonymous, or was removed. */
  mapping: AddressSpace | null = null;
  /** Its page index there. */
  index = 0;
  /** PG_uptodate: its bytes are valid. Set under the folio lock by who has put it into the page cache. */
  uptodate = false;
  /** Anonymous memory: belongs to a private mapping, not to a file. */
  anon = false;

  constructor(
    /** Page frame number: where its bytes are. */
    readonly pfn: number,
  ) {
    super();
  }
}

export function folioGet(current: Task, folio: Folio): void {
  current.ledger.folioGets++;
  folio.refcount++;
}

/** `while (!folioLock(current, folio)) yield;` The caller holds a reference. */
export function folioLock(current: Task, folio: Folio): boolean {
  if (!folio.lock(current)) return false;
  current.ledger.folioLocks++;
  return true;
}

export function folioTrylock(current: Task, folio: Folio): boolean {
  current.ledger.folioLocks++;
  return folio.trylock(current);
}

export function folioUnlock(current: Task, folio: Folio): void {
  current.ledger.folioUnlocks++;
  folio.unlock(current);
}
