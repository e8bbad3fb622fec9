/**
 * finish_fault(): the page that a fault has found, or its private copy, goes into the page table.
 */
import { FAULT_FLAG_WRITE, VM_FAULT_NOPAGE, type VmFaultReason } from "../../abi/index.js";
import {
  mkPte,
  pteLock,
  pteMkdirty,
  pteMkwrite,
  pteMkyoung,
  VM_WRITE,
  type VmFault,
  vmfPteChanged,
} from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";

/** 0; or NOPAGE: somebody else has installed a page meanwhile. vmf.folio is locked; its reference becomes the page table's. */
export function* finishFault(vmf: VmFault): Stoppable<VmFaultReason> {
  const { current, vma, mm } = vmf;
  const write = (vmf.flags & FAULT_FLAG_WRITE) !== 0;
  const folio = write && !vma.shared ? vmf.cowFolio! : vmf.folio!;

  while (current.stops(mm, "write")) yield;
  vmf.table = mm.table(vmf.address);
  if (vmf.table === null) {
    vmf.table = mm.installTable(vmf.address, vmf.preallocPte!);
    vmf.preallocPte = null;
  }
  while (!pteLock(current, vmf.table)) yield;
  if (vmfPteChanged(vmf)) {
    vmf.table.lock.unlock(current);
    return VM_FAULT_NOPAGE;
  }
  let entry = pteMkyoung(mkPte(folio.pfn, vma));
  if (write && vma.flags & VM_WRITE) entry = pteMkwrite(pteMkdirty(entry));
  folio.mapcount++;
  vmf.table.set(current, vmf.pteIndex, entry);
  vmf.table.lock.unlock(current);
  return 0;
}
