/**
 * Ours: as do-userfault, but all it asks is whether the page cache holds anything there, within the file's size. No lock and no
 * reference, so the answer may be out of date at once. So is mainline's: it drops its reference before handle_userfault(), and a
 * CONTINUE or COPY looks again.
 */
import type { VmFaultReason } from "../../abi/index.js";
import { callFault } from "../fault/call-fault.js";
import type { Placement } from "../fault/fault-path.js";
import { preallocatePte } from "../fault/prepare.js";
import { shmemOperations } from "../files/shmem.js";
import {
  userfaultfdMinor,
  userfaultfdMissing,
  userfaultfdMissingOrMinor,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  type VmFault,
} from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import { handleUserfault } from "../userfaultfd/handle-userfault.js";

export const presenceProbe: Placement = {
  name: "presence-probe",
  shmem: shmemOperations({}),
  *doFault(vmf: VmFault): Stoppable<VmFaultReason> {
    const { current, vma } = vmf;
    preallocatePte(vmf);
    if (userfaultfdMissingOrMinor(current, vma)) {
      current.ledger.indirectCalls++;
      const present = yield* vma.operations!.folioPresent(current, vmf.mm.memory, vma.inode!, vmf.pgoff);
      if (present === true && userfaultfdMinor(current, vma))
        return yield* handleUserfault(vmf, VM_UFFD_MINOR);
      if (present === false && userfaultfdMissing(current, vma))
        return yield* handleUserfault(vmf, VM_UFFD_MISSING);
    }
    return yield* callFault(vmf);
  },
};
