/**
 * The patch in the thread, with MISSING as in January 2026: ->fault() answers a reason, and the core calls handle_userfault().
 */
import { VM_FAULT_UFFD_MINOR, VM_FAULT_UFFD_MISSING, type VmFaultReason } from "../../abi/index.js";
import { callFault, FAULT_UNLIKELY } from "../fault/call-fault.js";
import type { Placement } from "../fault/fault-path.js";
import { shmemOperations } from "../files/shmem.js";
import { VM_UFFD_MINOR, VM_UFFD_MISSING, type VmFault } from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import { handleUserfault } from "../userfaultfd/handle-userfault.js";

const shmem = shmemOperations({ minor: VM_FAULT_UFFD_MINOR, missing: VM_FAULT_UFFD_MISSING });

/** The reasons are bits of the branch that is unlikely already: the likely path is as it was. */
export const faultReason: Placement = {
  name: "fault-reason",
  shmem,
  *doFault(vmf: VmFault): Stoppable<VmFaultReason> {
    const ret = yield* callFault(vmf);
    if (ret & (FAULT_UNLIKELY | VM_FAULT_UFFD_MINOR | VM_FAULT_UFFD_MISSING)) {
      if (ret & VM_FAULT_UFFD_MINOR) return yield* handleUserfault(vmf, VM_UFFD_MINOR);
      if (ret & VM_FAULT_UFFD_MISSING) return yield* handleUserfault(vmf, VM_UFFD_MISSING);
    }
    return ret;
  },
};

/** The reasons are tested for on their own, on every fault: the form whose `unlikely` the thread argues about. */
export const faultReasonSeparate: Placement = {
  name: "fault-reason-separate",
  shmem,
  *doFault(vmf: VmFault): Stoppable<VmFaultReason> {
    const ret = yield* callFault(vmf);
    vmf.current.ledger.resultTests++;
    if (ret & (VM_FAULT_UFFD_MINOR | VM_FAULT_UFFD_MISSING)) {
      return yield* handleUserfault(vmf, ret & VM_FAULT_UFFD_MINOR ? VM_UFFD_MINOR : VM_UFFD_MISSING);
    }
    return ret;
  },
};
