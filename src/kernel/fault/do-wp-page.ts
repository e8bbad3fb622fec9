/**
 * do_wp_page(): a write to a page that is mapped read-only, in a private mapping: the zero page, or a page of the file. The
 * mapping's own pages, and all of a shared mapping, are writable from the first on, and do not come here.
 */
import { VM_FAULT_OOM, type VmFaultReason } from "../../abi/index.js";
import {
  folioGet,
  mkPte,
  pteLock,
  pteMkdirty,
  pteMkwrite,
  pteMkyoung,
  ptePfn,
  type VmFault,
  vmfPteChanged,
} from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import { vmfAnonPrepare } from "./prepare.js";

/** Called with the page-table lock, which it releases. */
export function* doWpPage(vmf: VmFault): Stoppable<VmFaultReason> {
  const { current, mm } = vmf;
  const table = vmf.table!;
  const folio = mm.memory.folio(ptePfn(vmf.origPte));
  if (folio !== null) folioGet(current, folio);
  table.lock.unlock(current);
  const ret = yield* wpPageCopy(vmf);
  if (folio !== null) mm.memory.put(current, folio);
  return ret;
}

/** wp_page_copy(): a copy of the page that origPte maps takes its place, unless the entry has changed meanwhile. */
function* wpPageCopy(vmf: VmFault): Stoppable<VmFaultReason> {
  const { current, vma, mm } = vmf;
  const { memory } = mm;
  const table = vmf.table!;
  while (current.stops(mm.mmapLock, "acquire")) yield;
  const ret = vmfAnonPrepare(vmf);
  if (ret) return ret;
  const copy = memory.allocate(current);
  if (copy === null) return VM_FAULT_OOM;
  memory.copy(copy, ptePfn(vmf.origPte));
  copy.anon = true;

  while (!pteLock(current, table)) yield;
  const changed = vmfPteChanged(vmf);
  if (!changed) {
    copy.mapcount++;
    table.set(current, vmf.pteIndex, pteMkwrite(pteMkdirty(pteMkyoung(mkPte(copy.pfn, vma)))));
  }
  table.lock.unlock(current);
  if (changed) {
    current.ledger.allocationsThrownAway++;
    memory.put(current, copy);
    return 0;
  }
  const old = memory.folio(ptePfn(vmf.origPte));
  if (old !== null) {
    // The page table's reference.
    old.mapcount--;
    memory.put(current, old);
  }
  return 0;
}
