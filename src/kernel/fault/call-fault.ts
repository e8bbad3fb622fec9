/**
 * What all placements do in __do_fault(): the call of ->fault().
 */
import {
  VM_FAULT_DONE_COW,
  VM_FAULT_ERROR,
  VM_FAULT_NOPAGE,
  VM_FAULT_RETRY,
  type VmFaultReason,
} from "../../abi/index.js";
import type { VmFault } from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import { preallocatePte } from "./prepare.js";

/** The branch of __do_fault() that is unlikely already: ->fault() has left no folio to go on with. */
export const FAULT_UNLIKELY = VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY | VM_FAULT_DONE_COW;

/** vma->vm_ops->fault(vmf), with a page table allocated before it takes the folio lock. */
export function callFault(vmf: VmFault): Stoppable<VmFaultReason> {
  preallocatePte(vmf);
  vmf.current.ledger.indirectCalls++;
  vmf.current.ledger.resultTests++;
  return vmf.vma.operations!.fault(vmf);
}
