/**
 * What the kernel did, counted: deterministic, where a stop-watch is not. A placement costs what it adds here.
 */
export class Ledger {
  /** Tests of a VMA's userfaultfd flags, on the way of a fault. */
  flagTests = 0;
  /** Tests of what ->fault() answered, in __do_fault(). */
  resultTests = 0;
  /** Calls through a table of the memory type: ->fault(), ->map_pages(), get_folio_noalloc() and its like. */
  indirectCalls = 0;
  /** Walks of the page cache's tree to a folio, which then is referenced. */
  pageCacheLookups = 0;
  /** Walks that only ask whether anything is there: no reference. */
  presenceProbes = 0;
  /** Atomic operations on a folio: its reference count up and down, its lock taken and released. */
  folioGets = 0;
  folioPuts = 0;
  folioLocks = 0;
  folioUnlocks = 0;
  pageTableLocks = 0;
  vmaLocks = 0;
  mmapLocks = 0;
  /** Folios and page tables allocated, and those of them that were freed unused. */
  allocations = 0;
  allocationsThrownAway = 0;
  /** Page-table entries written. */
  ptesSet = 0;
  /** Entries added to or taken off a wait queue, and calls to wake one. */
  waitQueueOperations = 0;
  /** Times a task slept in handle_userfault(). */
  sleeps = 0;

  reset(): void {
    Object.assign(this, new Ledger());
  }
}

export type LedgerEntry = Exclude<keyof Ledger, "reset">;

export const ledgerEntries = Object.keys(new Ledger()) as LedgerEntry[];

/** The atomic read-modify-write operations on folios: what a CPU has to lock a cache line for. */
export function lockedFolioOperations(ledger: Readonly<Record<LedgerEntry, number>>): number {
  return ledger.folioGets + ledger.folioPuts + ledger.folioLocks + ledger.folioUnlocks;
}
