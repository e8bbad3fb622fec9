/**
 * do_anonymous_page(): memory that belongs to no file. Here the core itself asks userfaultfd, in every placement: under the
 * page-table lock, since the entry is all there is to tell whether the page is missing.
 */
import { FAULT_FLAG_WRITE, VM_FAULT_OOM, VM_FAULT_SIGBUS, type VmFaultReason } from "../../abi/index.js";
import {
  mkPte,
  type Pte,
  pteLock,
  pteMkdirty,
  pteMkwrite,
  pteMkyoung,
  userfaultfdMissing,
  VM_UFFD_MISSING,
  VM_WRITE,
  type VmFault,
  vmfPteChanged,
  ZERO_PFN,
} from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import { handleUserfault } from "../userfaultfd/handle-userfault.js";
import { pteAlloc, vmfAnonPrepare } from "./prepare.js";

export function* doAnonymousPage(vmf: VmFault): Stoppable<VmFaultReason> {
  const { current, vma, mm } = vmf;
  const { memory } = mm;
  if (vma.shared) return VM_FAULT_SIGBUS;
  const table = yield* pteAlloc(vmf);

  if (!(vmf.flags & FAULT_FLAG_WRITE)) {
    while (!pteLock(current, table)) yield;
    if (vmfPteChanged(vmf)) {
      table.lock.unlock(current);
      return 0;
    }
    if (userfaultfdMissing(current, vma)) {
      table.lock.unlock(current);
      return yield* handleUserfault(vmf, VM_UFFD_MISSING);
    }
    table.set(current, vmf.pteIndex, mkPte(ZERO_PFN, vma));
    table.lock.unlock(current);
    return 0;
  }

  while (current.stops(mm.mmapLock, "acquire")) yield;
  const ret = vmfAnonPrepare(vmf);
  if (ret) return ret;
  const folio = memory.allocate(current);
  if (folio === null) return VM_FAULT_OOM;
  memory.clear(folio);
  folio.anon = true;
  let entry: Pte = pteMkyoung(mkPte(folio.pfn, vma));
  if (vma.flags & VM_WRITE) entry = pteMkwrite(pteMkdirty(entry));

  while (!pteLock(current, table)) yield;
  if (vmfPteChanged(vmf)) {
    table.lock.unlock(current);
    current.ledger.allocationsThrownAway++;
    memory.put(current, folio);
    return 0;
  }
  if (userfaultfdMissing(current, vma)) {
    table.lock.unlock(current);
    current.ledger.allocationsThrownAway++;
    memory.put(current, folio);
    return yield* handleUserfault(vmf, VM_UFFD_MISSING);
  }
  folio.mapcount++;
  table.set(current, vmf.pteIndex, entry);
  table.lock.unlock(current);
  return 0;
}
