/**
 * One fault on its way through the kernel (struct vm_fault).
 */
import { FAULT_FLAG_VMA_LOCK } from "../../abi/index.js";
import type { Task } from "../tasks/index.js";
import type { Folio } from "./folio.js";
import type { Mm } from "./mm.js";
import type { PageTable } from "./page-table.js";
import { PTE_NONE, type Pte } from "./pte.js";
import { linearPageIndex, type Vma } from "./vma.js";
import { vmaEndRead } from "./vma-lock.js";

export class VmFault {
  readonly mm: Mm;
  /** The page that the fault is about, in its file. */
  readonly pgoff: number;
  /** The page table of the address; null until there is one. */
  table: PageTable | null = null;
  /** The address's entry in it. */
  readonly pteIndex: number;
  /** With FAULT_FLAG_ORIG_PTE_VALID: what the entry said when the fault looked first. */
  origPte: Pte = PTE_NONE;
  /** What ->fault() found (vmf->page). */
  folio: Folio | null = null;
  /** A private write: the page allocated in advance, to copy into. */
  cowFolio: Folio | null = null;
  /** A page table allocated before the folio lock is taken, not yet linked. */
  preallocPte: PageTable | null = null;

  constructor(
    readonly current: Task,
    readonly vma: Vma,
    /** Of the page's first byte. */
    readonly address: number,
    /** Of the access. */
    readonly realAddress: number,
    /** FAULT_FLAG_* */
    public flags: number,
  ) {
    this.mm = vma.mm;
    this.pgoff = linearPageIndex(vma, address);
    this.pteIndex = this.mm.pteIndex(address);
  }
}

/** release_fault_lock(): drops the lock that the fault runs under, the VMA's or the mmap lock. */
export function releaseFaultLock(vmf: VmFault): void {
  if (vmf.flags & FAULT_FLAG_VMA_LOCK) vmaEndRead(vmf.vma);
  else vmf.mm.mmapLock.readUnlock();
}

/** vmf_pte_changed(): somebody else wrote the entry since the fault looked. The page-table lock is held. */
export function vmfPteChanged(vmf: VmFault): boolean {
  return vmf.table!.get(vmf.pteIndex) !== vmf.origPte;
}
