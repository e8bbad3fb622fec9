/**
 * The alternative in the thread: two faults in sequence, a lighter one before the real one, for MINOR mappings only. A page that
 * is not there falls through, and is looked up again. MISSING stays with the memory type.
 */
import type { VmFaultReason } from "../../abi/index.js";
import { callFault } from "../fault/call-fault.js";
import type { Placement } from "../fault/fault-path.js";
import { preallocatePte } from "../fault/prepare.js";
import { shmemMissingInFault } from "../files/shmem-in-fault.js";
import { folioUnlock, userfaultfdMinor, VM_UFFD_MINOR, type VmFault } from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import { handleUserfault } from "../userfaultfd/handle-userfault.js";

export const lookupFirst: Placement = {
  name: "lookup-first",
  shmem: shmemMissingInFault,
  *doFault(vmf: VmFault): Stoppable<VmFaultReason> {
    const { current, vma } = vmf;
    preallocatePte(vmf);
    if (userfaultfdMinor(current, vma)) {
      current.ledger.indirectCalls++;
      const folio = yield* vma.operations!.getFolioNoalloc(current, vmf.mm.memory, vma.inode!, vmf.pgoff);
      if (typeof folio === "object") {
        folioUnlock(current, folio);
        vmf.mm.memory.put(current, folio);
        return yield* handleUserfault(vmf, VM_UFFD_MINOR);
      }
    }
    return yield* callFault(vmf);
  },
};
