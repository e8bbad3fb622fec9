/**
 * __do_userfault(), as posted in March 2026: the core asks get_folio_noalloc() before ->fault(), for MINOR and for MISSING.
 *
 * It differs from mainline in what a program can see:
 * - An error of the lookup counts as absent. So an access past the end of a file that is registered MISSING raises a message,
 *   which no COPY can resolve, where mainline answers SIGBUS.
 * - It does not wait for a hole punch in progress, which ->fault() does: a page that is being punched still raises MINOR. So do
 *   lookup-first and presence-probe.
 * - A page that is swapped out is swapped in before the message. (Swap is not modelled yet.)
 */
import type { VmFaultReason } from "../../abi/index.js";
import { callFault } from "../fault/call-fault.js";
import type { Placement } from "../fault/fault-path.js";
import { preallocatePte } from "../fault/prepare.js";
import { shmemOperations } from "../files/shmem.js";
import {
  folioUnlock,
  userfaultfdMinor,
  userfaultfdMissing,
  userfaultfdMissingOrMinor,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  type VmFault,
} from "../memory/index.js";
import type { Stoppable } from "../tasks/index.js";
import { handleUserfault } from "../userfaultfd/handle-userfault.js";

export const doUserfault: Placement = {
  name: "do-userfault",
  shmem: shmemOperations({}),
  *doFault(vmf: VmFault): Stoppable<VmFaultReason> {
    const { current, vma } = vmf;
    preallocatePte(vmf);
    if (userfaultfdMissingOrMinor(current, vma)) {
      current.ledger.indirectCalls++;
      const folio = yield* vma.operations!.getFolioNoalloc(current, vmf.mm.memory, vma.inode!, vmf.pgoff);
      if (typeof folio === "object") {
        folioUnlock(current, folio);
        vmf.mm.memory.put(current, folio);
        if (userfaultfdMinor(current, vma)) return yield* handleUserfault(vmf, VM_UFFD_MINOR);
      } else if (userfaultfdMissing(current, vma)) {
        // Whatever the error was: -EINVAL, past the end of the file, too.
        return yield* handleUserfault(vmf, VM_UFFD_MISSING);
      }
    }
    return yield* callFault(vmf);
  },
};
