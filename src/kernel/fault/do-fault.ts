/**
 * do_fault(): a page of a file. Read, write to a private mapping, and write to a shared one go different ways, and meet in the
 * placement's __do_fault() and in finish_fault().
 */
import {
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  type VmFaultReason,
} from "../../abi/index.js";
import { folioUnlock, uffdDisableFaultAround, type VmFault } from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import type { FaultPath } from "./fault-path.js";
import { finishFault } from "./finish-fault.js";
import { preallocatePte, vmfAnonPrepare } from "./prepare.js";

const FAILED = VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY;

export function* doFault(path: FaultPath, vmf: VmFault): Stoppable<VmFaultReason> {
  let ret: VmFaultReason;
  if (!(vmf.flags & FAULT_FLAG_WRITE)) ret = yield* doReadFault(path, vmf);
  else if (!vmf.vma.shared) ret = yield* doCowFault(path, vmf);
  else ret = yield* doSharedFault(path, vmf);

  if (vmf.preallocPte !== null) {
    vmf.current.ledger.allocationsThrownAway++;
    vmf.preallocPte = null;
  }
  return ret;
}

function* doReadFault(path: FaultPath, vmf: VmFault): Stoppable<VmFaultReason> {
  const { current } = vmf;
  if (shouldFaultAround(path, vmf)) {
    const ret = yield* doFaultAround(path, vmf);
    if (ret) return ret;
  }
  let ret = yield* path.placement.doFault(vmf);
  if (ret & FAILED) return ret;

  ret |= yield* finishFault(vmf);
  folioUnlock(current, vmf.folio!);
  if (ret & FAILED) vmf.mm.memory.put(current, vmf.folio!);
  return ret;
}

function* doCowFault(path: FaultPath, vmf: VmFault): Stoppable<VmFaultReason> {
  const { current } = vmf;
  const { memory } = vmf.mm;
  while (current.stops(vmf.mm.mmapLock, "acquire")) yield;
  let ret = vmfAnonPrepare(vmf);
  if (ret) return ret;
  const folio = memory.allocate(current);
  if (folio === null) return VM_FAULT_OOM;
  folio.anon = true;
  vmf.cowFolio = folio;

  ret = yield* path.placement.doFault(vmf);
  if (!(ret & FAILED)) {
    memory.copy(folio, vmf.folio!.pfn);
    ret |= yield* finishFault(vmf);
    folioUnlock(current, vmf.folio!);
    memory.put(current, vmf.folio!);
  }
  if (ret & FAILED) {
    current.ledger.allocationsThrownAway++;
    memory.put(current, folio);
  }
  return ret;
}

function* doSharedFault(path: FaultPath, vmf: VmFault): Stoppable<VmFaultReason> {
  const { current } = vmf;
  let ret = yield* path.placement.doFault(vmf);
  if (ret & FAILED) return ret;

  // shmem has no page_mkwrite(): a page may become writable without anybody being told.
  ret |= yield* finishFault(vmf);
  folioUnlock(current, vmf.folio!);
  if (ret & FAILED) vmf.mm.memory.put(current, vmf.folio!);
  return ret;
}

/** should_fault_around(): MISSING alone does not forbid it, since what is mapped around is in the page cache. */
function shouldFaultAround(path: FaultPath, vmf: VmFault): boolean {
  if (uffdDisableFaultAround(vmf.current, vmf.vma)) return false;
  return path.faultAroundPages > 1;
}

/**
 * do_fault_around(): the window begins at a multiple of its size, or where the VMA or the page table does; from there it has its
 * whole size, unless the VMA or the page table ends.
 */
function* doFaultAround(path: FaultPath, vmf: VmFault): Stoppable<VmFaultReason> {
  const { vma, mm } = vmf;
  const pages = path.faultAroundPages;
  const pteOffset = vmf.pteIndex;
  const vmaOffset = vmf.pgoff - vma.pgoff;
  const vmaPages = (vma.end - vma.start) / mm.pageSize;
  const fromPte = Math.max(pteOffset - (pteOffset % pages), pteOffset - Math.min(pteOffset, vmaOffset));
  const toPte = Math.min(fromPte + pages, mm.ptrsPerPte, pteOffset + vmaPages - vmaOffset) - 1;
  preallocatePte(vmf);
  vmf.current.ledger.indirectCalls++;
  return yield* vma.operations!.mapPages(vmf, vmf.pgoff + fromPte - pteOffset, vmf.pgoff + toPte - pteOffset);
}
