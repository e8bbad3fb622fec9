/**
 * A mapping (struct vm_area_struct): a range of addresses with one kind of memory, one protection and one userfaultfd.
 */
import type { Task } from "../tasks/index.js";
import type { UserfaultfdContext } from "../userfaultfd/context.js";
import type { Inode } from "./inode.js";
import type { Mm } from "./mm.js";
import type { VmOperations } from "./vm-operations.js";

export const VM_READ = 1 << 0;
export const VM_WRITE = 1 << 1;
export const VM_SHARED = 1 << 3;
export const VM_MAYWRITE = 1 << 5;
export const VM_UFFD_MISSING = 1 << 9;
export const VM_UFFD_WP = 1 << 12;
export const VM_UFFD_MINOR = 1 << 16;
export const VM_UFFD_FLAGS = VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR;

/** What anonymous pages know their VMAs by (struct anon_vma). VMAs with different ones cannot be joined. */
export class AnonVma {}

/** Invariant: a userfaultfd context is set exactly when one of VM_UFFD_FLAGS is. Changed under the VMA's write lock. */
export class Vma {
  userfaultfdContext: UserfaultfdContext | null = null;
  /** Set before the first anonymous page is mapped here, and never again; under the mmap lock (Mm.anonVmaPrepare). */
  anonVma: AnonVma | null = null;
  /** vm_refcnt: tasks that hold the VMA's read lock. */
  readers = 0;
  /** vm_lock_seq: equal to the mm's lockSequence while the VMA is write-locked. */
  lockSequence = -1;
  /** No longer in the mm's tree. */
  detached = false;

  constructor(
    /** vm_mm */
    readonly mm: Mm,
    public start: number,
    /** One past the last byte. */
    public end: number,
    public flags: number,
    /** null: anonymous memory. */
    readonly inode: Inode | null,
    /** The page of the file at `start`. */
    public pgoff: number,
  ) {}

  /** vm_ops; null for anonymous memory. */
  get operations(): VmOperations | null {
    return this.inode === null ? null : this.inode.type.operations;
  }

  get shared(): boolean {
    return (this.flags & VM_SHARED) !== 0;
  }
}

export function userfaultfdMissing(current: Task, vma: Vma): boolean {
  current.ledger.flagTests++;
  return (vma.flags & VM_UFFD_MISSING) !== 0;
}

export function userfaultfdMinor(current: Task, vma: Vma): boolean {
  current.ledger.flagTests++;
  return (vma.flags & VM_UFFD_MINOR) !== 0;
}

/** userfaultfd_missing(vma) || userfaultfd_minor(vma), which a compiler makes one test of. */
export function userfaultfdMissingOrMinor(current: Task, vma: Vma): boolean {
  current.ledger.flagTests++;
  return (vma.flags & (VM_UFFD_MISSING | VM_UFFD_MINOR)) !== 0;
}

/** uffd_disable_fault_around(): pages mapped around a fault would be MINOR faults that nobody hears of. */
export function uffdDisableFaultAround(current: Task, vma: Vma): boolean {
  current.ledger.flagTests++;
  return (vma.flags & (VM_UFFD_WP | VM_UFFD_MINOR)) !== 0;
}

/** linear_page_index(): which page of the file an address is. */
export function linearPageIndex(vma: Vma, address: number): number {
  return vma.pgoff + (address - vma.start) / vma.mm.pageSize;
}
