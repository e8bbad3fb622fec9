/**
 * What may differ from one kernel to another on the way of a fault.
 */
import type { VmFaultReason } from "../../abi/index.js";
import type { VmFault, VmOperations } from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";

export interface FaultPath {
  placement: Placement;
  /** fault_around_bytes over the page size: how many pages a read fault may map. 1: only its own. */
  faultAroundPages: number;
}

/** Where a fault on file memory meets userfaultfd. */
export interface Placement {
  readonly name: string;
  /**
   * __do_fault(): has the memory type find or make the page. On success vmf.folio is referenced and locked. What it answers with
   * ERROR, NOPAGE or RETRY leaves no folio, and with RETRY the fault's lock is dropped.
   */
  doFault(vmf: VmFault): Stoppable<VmFaultReason>;
  /** shmem as this placement has it. */
  readonly shmem: VmOperations;
}
