/**
 * filemap_map_pages(): fault-around. Maps what is in the page cache near a fault, without waiting for anything.
 */
import { VM_FAULT_NOPAGE, type VmFaultReason } from "../../abi/index.js";
import {
  type AddressSpace,
  type Folio,
  folioGet,
  folioTrylock,
  folioUnlock,
  mkPte,
  pteLock,
  pteNone,
  type VmFault,
} from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";

/** Maps pages [first, last] of the file: NOPAGE if the fault's own page is among them, else 0. */
export function* filemapMapPages(vmf: VmFault, first: number, last: number): Stoppable<VmFaultReason> {
  const { current, mm, vma } = vmf;
  const { memory } = mm;
  const { mapping } = vma.inode!;
  while (current.stops(vma.inode!, "read")) yield;
  const fileEnd = Math.ceil(vma.inode!.size / mm.pageSize) - 1;

  let ret: VmFaultReason = 0;
  let table = null;
  for (let index = first; index <= Math.min(last, fileEnd); index++) {
    while (current.stops(mapping, "read")) yield;
    const folio = nextUptodateFolio(vmf, mapping, index);
    if (folio === null) continue;
    if (table === null) {
      // filemap_map_pmd(): the table is linked only now that there is something to map.
      while (current.stops(mm, "write")) yield;
      if (vmf.preallocPte !== null && mm.table(vmf.address) === null) {
        mm.installTable(vmf.address, vmf.preallocPte);
        vmf.preallocPte = null;
      }
      table = mm.table(vmf.address)!;
      while (!pteLock(current, table)) yield;
    }
    const pteIndex = vmf.pteIndex + (index - vmf.pgoff);
    if (pteNone(table.get(pteIndex))) {
      folioGet(current, folio);
      folio.mapcount++;
      table.set(current, pteIndex, mkPte(folio.pfn, vma));
      if (index === vmf.pgoff) ret = VM_FAULT_NOPAGE;
    }
    folioUnlock(current, folio);
    memory.put(current, folio);
  }
  table?.lock.unlock(current);
  return ret;
}

/** next_uptodate_folio(): the folio at an index, locked and referenced; null if it is absent, locked by somebody, or not filled yet. */
function nextUptodateFolio(vmf: VmFault, mapping: AddressSpace, index: number): Folio | null {
  const { current } = vmf;
  const folio = mapping.pages[index];
  if (folio === undefined || folio.held || !folio.uptodate) return null;
  folioGet(current, folio);
  if (folioTrylock(current, folio)) return folio;
  vmf.mm.memory.put(current, folio);
  return null;
}
