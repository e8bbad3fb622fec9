/**
 * handle_mm_fault(): from a VMA and an address to a page-table entry (mm/memory.c).
 */
import {
  FAULT_FLAG_ORIG_PTE_VALID,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_RETRY,
  type VmFaultReason,
} from "../../abi/index.js";
import {
  pteLock,
  pteMkdirty,
  pteMkyoung,
  pteNone,
  pteWrite,
  type Vma,
  VmFault,
  vmfPteChanged,
} from "../memory/index.js";
import type { Stoppable, Task } from "../tasks/index.js";
import { doAnonymousPage } from "./do-anonymous-page.js";
import { doFault } from "./do-fault.js";
import { doWpPage } from "./do-wp-page.js";
import type { FaultPath } from "./fault-path.js";

/**
 * Called under the VMA lock (FAULT_FLAG_VMA_LOCK) or the mmap lock. After RETRY that lock is gone, and the VMA may be too.
 */
export function* handleMmFault(
  path: FaultPath,
  current: Task,
  vma: Vma,
  address: number,
  flags: number,
): Stoppable<VmFaultReason> {
  const vmf = new VmFault(current, vma, address - (address % vma.mm.pageSize), address, flags);
  const ret = yield* handlePteFault(path, vmf);
  accountFault(current, flags, ret);
  return ret;
}

/** mm_account_fault(): a fault counts once, when it is done. One that slept is major if it slept under the mmap lock. */
function accountFault(current: Task, flags: number, ret: VmFaultReason): void {
  if (ret & (VM_FAULT_RETRY | VM_FAULT_ERROR)) return;
  if (ret & VM_FAULT_MAJOR || flags & FAULT_FLAG_TRIED) current.majorFaults++;
  else current.minorFaults++;
}

/** handle_pte_fault() */
function* handlePteFault(path: FaultPath, vmf: VmFault): Stoppable<VmFaultReason> {
  const { current, mm } = vmf;
  while (current.stops(mm, "read")) yield;
  vmf.table = mm.table(vmf.address);
  if (vmf.table !== null) {
    while (current.stops(vmf.table, "read")) yield;
    vmf.origPte = vmf.table.get(vmf.pteIndex);
    vmf.flags |= FAULT_FLAG_ORIG_PTE_VALID;
  }

  if (vmf.table === null || pteNone(vmf.origPte)) {
    // do_pte_missing()
    if (vmf.vma.operations === null) return yield* doAnonymousPage(vmf);
    return yield* doFault(path, vmf);
  }

  while (!pteLock(current, vmf.table)) yield;
  if (vmfPteChanged(vmf)) {
    vmf.table.lock.unlock(current);
    return 0;
  }
  let entry = vmf.origPte;
  if (vmf.flags & FAULT_FLAG_WRITE) {
    if (!pteWrite(entry)) return yield* doWpPage(vmf);
    entry = pteMkdirty(entry);
  }
  entry = pteMkyoung(entry);
  if (entry !== vmf.origPte) vmf.table.set(current, vmf.pteIndex, entry);
  vmf.table.lock.unlock(current);
  return 0;
}
