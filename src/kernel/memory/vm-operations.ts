/**
 * What a memory type does for the core (struct vm_operations_struct, and struct vm_uffd_ops of Linux 7.1).
 */
import type { VmFaultReason } from "../../abi/index.js";
import type { Stoppable, Task } from "../tasks/index.js";
import type { Folio } from "./folio.js";
import type { Inode } from "./inode.js";
import type { PhysicalMemory } from "./physical-memory.js";
import type { VmFault } from "./vm-fault.js";
import type { Vma } from "./vma.js";

export interface VmOperations {
  /** Finds or makes the page of a fault: vmf.folio, referenced, locked if VM_FAULT_LOCKED is answered. */
  fault(vmf: VmFault): Stoppable<VmFaultReason>;
  /** Maps pages of [first, last] that are in the cache, without waiting for anything. */
  mapPages(vmf: VmFault, first: number, last: number): Stoppable<VmFaultReason>;

  /** Whether a VMA may be registered with these modes (VM_UFFD_*). */
  canUserfault(vmFlags: number): boolean;
  /** get_folio_noalloc(): the folio locked and referenced, or -ENOENT, -EINVAL past the end of the file. Never allocates. */
  getFolioNoalloc(
    current: Task,
    memory: PhysicalMemory,
    inode: Inode,
    pgoff: number,
  ): Stoppable<Folio | number>;
  /** Whether the page cache holds anything there, within the file's size: no lock, no reference. */
  folioPresent(
    current: Task,
    memory: PhysicalMemory,
    inode: Inode,
    pgoff: number,
  ): Stoppable<boolean | number>;
  /**
   * COPY and ZEROPAGE of a shared mapping: one page into the page cache and then into the page table.
   * `source` is where COPY reads, null for ZEROPAGE. 0 or minus an errno; -ENOENT asks the caller to fill `fill.folio` from the
   * source, which is not mapped, without any lock, and to come again.
   */
  mfillAtomicPte(
    current: Task,
    vma: Vma,
    address: number,
    source: number | null,
    fill: FillFolio,
    copyFromUser: CopyFromUser,
  ): Stoppable<number>;
}

/** The source of a COPY, in the caller's memory. */
export interface CopyFromUser {
  /** With faults disabled: fills the folio; false where a byte of the source page is not mapped. */
  inatomic(source: number, folio: Folio): boolean;
  /** Takes faults, so it may block: 0, or -EFAULT. */
  faulting(current: Task, source: number, folio: Folio): Stoppable<number>;
}

/** A folio on its way through a COPY whose source was not mapped at first. */
export interface FillFolio {
  folio: Folio | null;
}
