/**
 * What a fault gets ready before it takes the locks of the page.
 */
import { FAULT_FLAG_VMA_LOCK, VM_FAULT_RETRY, type VmFaultReason } from "../../abi/index.js";
import { PageTable, type VmFault, vmaEndRead } from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";

/** pte_alloc(): the page table of the address, made if there is none. */
export function* pteAlloc(vmf: VmFault): Stoppable<PageTable> {
  const { current, mm } = vmf;
  while (current.stops(mm, "write")) yield;
  vmf.table = mm.table(vmf.address);
  if (vmf.table === null) {
    current.ledger.allocations++;
    vmf.table = mm.installTable(vmf.address, new PageTable(mm.ptrsPerPte));
  }
  return vmf.table;
}

/** Allocates a page table, to be linked when there is something to map, where the address has none yet. */
export function preallocatePte(vmf: VmFault): void {
  if (vmf.preallocPte !== null || vmf.mm.table(vmf.address) !== null) return;
  vmf.current.ledger.allocations++;
  vmf.preallocPte = new PageTable(vmf.mm.ptrsPerPte);
}

/**
 * vmf_anon_prepare(): the VMA's anon_vma is set up under the mmap lock. 0, or RETRY where the fault has the VMA lock alone and
 * somebody else the mmap lock.
 */
export function vmfAnonPrepare(vmf: VmFault): VmFaultReason {
  const { vma, mm } = vmf;
  if (vma.anonVma !== null) return 0;
  if (vmf.flags & FAULT_FLAG_VMA_LOCK) {
    vmf.current.ledger.mmapLocks++;
    if (!mm.mmapLock.readTrylock()) {
      vmaEndRead(vma);
      return VM_FAULT_RETRY;
    }
    mm.anonVmaPrepare(vma);
    mm.mmapLock.readUnlock();
    return 0;
  }
  mm.anonVmaPrepare(vma);
  return 0;
}
