/**
 * shmem where the memory type itself asks userfaultfd, inside ->fault(). This is the file that has to know handle_userfault().
 */
import { VM_UFFD_MINOR, VM_UFFD_MISSING, type VmOperations } from "../memory/index.js";
import { handleUserfault } from "../userfaultfd/handle-userfault.js";
import { shmemOperations, type UserfaultHook } from "./shmem.js";

const minor: UserfaultHook = (vmf) => handleUserfault(vmf, VM_UFFD_MINOR);
const missing: UserfaultHook = (vmf) => handleUserfault(vmf, VM_UFFD_MISSING);

/** MINOR and MISSING, as in mainline. */
export const shmemInFault: VmOperations = shmemOperations({ minor, missing });

/** MISSING alone: somebody else asks about MINOR. */
export const shmemMissingInFault: VmOperations = shmemOperations({ missing });
