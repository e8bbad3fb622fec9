/**
 * An address space (struct mm_struct): VMAs, page table, and the locks over both.
 */
import { ReadWriteLock, type Stoppable, type Task } from "../tasks/index.js";
import { type PageTable, pteLock } from "./page-table.js";
import type { PhysicalMemory } from "./physical-memory.js";
import { PTE_NONE, pteAccessible, pteNone, ptePfn, pteWrite } from "./pte.js";
import { AnonVma, linearPageIndex, VM_READ, VM_WRITE, Vma } from "./vma.js";
import { vmaStartWrite } from "./vma-lock.js";

export class Mm {
  /** mmap_lock: guards the set of VMAs. */
  readonly mmapLock = new ReadWriteLock();
  /** mm_lock_seq: see vma-lock.ts. */
  lockSequence = 0;
  /** Sorted by address; they do not overlap. */
  readonly #vmas: Vma[] = [];
  /** The upper levels of the page table: tables by pmd number. */
  readonly #tables = new Map<number, PageTable>();
  readonly pageSize: number;

  constructor(
    readonly memory: PhysicalMemory,
    /** Entries of one page table. */
    readonly ptrsPerPte: number,
  ) {
    this.pageSize = memory.pageSize;
  }

  /** vma_lookup(): the VMA that holds an address, or null. */
  findVma(address: number): Vma | null {
    const vma = this.#vmas[this.#firstEndingAfter(address)];
    return vma !== undefined && vma.start <= address ? vma : null;
  }

  /** Those that intersect [start, end), in order. */
  vmasIn(start: number, end: number): Vma[] {
    const vmas: Vma[] = [];
    for (let i = this.#firstEndingAfter(start); i < this.#vmas.length; i++) {
      const vma = this.#vmas[i]!;
      if (vma.start >= end) break;
      vmas.push(vma);
    }
    return vmas;
  }

  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#vmas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#vmas[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** vma_link(): the mmap lock is held for writing. */
  link(vma: Vma): void {
    this.#vmas.splice(this.#firstEndingAfter(vma.start), 0, vma);
    vma.inode?.mapping.vmas.add(vma);
  }

  unlink(vma: Vma): void {
    this.#vmas.splice(this.#vmas.indexOf(vma), 1);
    vma.inode?.mapping.vmas.delete(vma);
    vma.detached = true;
  }

  /** split_vma(): cuts at an address inside; answers the upper part. The mmap lock is held for writing. */
  *split(current: Task, vma: Vma, address: number): Stoppable<Vma> {
    yield* vmaStartWrite(current, vma);
    const upper = new Vma(this, address, vma.end, vma.flags, vma.inode, linearPageIndex(vma, address));
    upper.userfaultfdContext = vma.userfaultfdContext;
    upper.anonVma = vma.anonVma;
    upper.lockSequence = this.lockSequence;
    vma.end = address;
    this.link(upper);
    return upper;
  }

  /** Splits off what of a VMA lies outside of [start, end), and answers the rest. The mmap lock is held for writing. */
  *isolate(current: Task, vma: Vma, start: number, end: number): Stoppable<Vma> {
    const lower = vma.start < start ? yield* this.split(current, vma, start) : vma;
    if (lower.end > end) yield* this.split(current, lower, end);
    return lower;
  }

  /** vma_merge(): joins neighbours in [start, end] that have become alike. The mmap lock is held for writing. */
  *merge(current: Task, start: number, end: number): Stoppable<void> {
    for (const vma of this.vmasIn(start - 1, end + 1)) {
      const previous = this.findVma(vma.start - 1);
      if (previous === null || !this.#alike(previous, vma)) continue;
      yield* vmaStartWrite(current, previous);
      yield* vmaStartWrite(current, vma);
      this.unlink(vma);
      previous.end = vma.end;
      previous.anonVma ??= vma.anonVma;
    }
  }

  #alike(previous: Vma, vma: Vma): boolean {
    return (
      continues(previous, vma) &&
      previous.flags === vma.flags &&
      previous.userfaultfdContext === vma.userfaultfdContext &&
      (previous.anonVma === vma.anonVma || previous.anonVma === null || vma.anonVma === null)
    );
  }

  /** anon_vma_prepare(): the mmap lock is held. */
  anonVmaPrepare(vma: Vma): void {
    vma.anonVma ??= this.#findMergeableAnonVma(vma) ?? new AnonVma();
  }

  /** find_mergeable_anon_vma(): that of a neighbour, where nothing else need ever keep the two VMAs apart. */
  #findMergeableAnonVma(vma: Vma): AnonVma | null {
    const next = this.findVma(vma.end);
    if (next !== null && next.anonVma !== null && anonVmaCompatible(vma, next)) return next.anonVma;
    const previous = this.findVma(vma.start - 1);
    if (previous !== null && anonVmaCompatible(previous, vma)) return previous.anonVma;
    return null;
  }

  /** mmap_write_unlock(): with it, all VMAs that were write-locked are released. */
  mmapWriteUnlock(current: Task): void {
    this.lockSequence++;
    this.mmapLock.writeUnlock(current);
  }

  pteIndex(address: number): number {
    return Math.floor(address / this.pageSize) % this.ptrsPerPte;
  }

  /** The page table of an address, or null (pmd_none). */
  table(address: number): PageTable | null {
    return this.#tables.get(Math.floor(address / this.pageSize / this.ptrsPerPte)) ?? null;
  }

  /** pmd_install(): links a page table, unless there is one already; answers the one that is there. */
  installTable(address: number, table: PageTable): PageTable {
    const pmd = Math.floor(address / this.pageSize / this.ptrsPerPte);
    const there = this.#tables.get(pmd);
    if (there !== undefined) return there;
    this.#tables.set(pmd, table);
    return table;
  }

  /** What the hardware does with an access: where its byte is in physical memory, or -1: a page fault. */
  translate(address: number, write: boolean): number {
    const table = this.table(address);
    if (table === null) return -1;
    const pte = table.get(this.pteIndex(address));
    if (!pteAccessible(pte) || (write && !pteWrite(pte))) return -1;
    return ptePfn(pte) * this.pageSize + (address % this.pageSize);
  }

  /** zap_page_range(): takes the pages of [start, end) out of the page table. Copies of a private mapping go too if `evenCows`. */
  *zap(current: Task, start: number, end: number, evenCows: boolean): Stoppable<void> {
    const tableBytes = this.pageSize * this.ptrsPerPte;
    for (let from = start; from < end; ) {
      const to = Math.min(end, (Math.floor(from / tableBytes) + 1) * tableBytes);
      const table = this.table(from);
      if (table !== null) {
        while (!pteLock(current, table)) yield;
        const first = this.pteIndex(from);
        for (let index = first; index < first + (to - from) / this.pageSize; index++) {
          this.#zapPte(current, table, index, evenCows);
        }
        table.lock.unlock(current);
      }
      from = to;
    }
  }

  #zapPte(current: Task, table: PageTable, index: number, evenCows: boolean): void {
    const pte = table.get(index);
    if (pteNone(pte)) return;
    const folio = this.memory.folio(ptePfn(pte));
    if (folio?.anon && !evenCows) return;
    table.set(current, index, PTE_NONE);
    if (folio === null) return;
    folio.mapcount--;
    this.memory.put(current, folio);
  }
}

/** Whether the second VMA begins where the first ends, in memory and in its file. */
function continues(previous: Vma, vma: Vma): boolean {
  return (
    previous.end === vma.start &&
    previous.inode === vma.inode &&
    (vma.inode === null || linearPageIndex(previous, vma.start) === vma.pgoff)
  );
}

/** anon_vma_compatible(): they may differ in their protection, which mprotect() could make the same. */
function anonVmaCompatible(previous: Vma, vma: Vma): boolean {
  return continues(previous, vma) && ((previous.flags ^ vma.flags) & ~(VM_READ | VM_WRITE)) === 0;
}
