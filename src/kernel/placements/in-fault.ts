/**
 * Mainline today: the memory type asks userfaultfd, inside its ->fault(). The core does not know.
 */

import { callFault } from "../fault/call-fault.js";
import type { Placement } from "../fault/fault-path.js";
import { shmemInFault } from "../files/shmem-in-fault.js";

export const inFault: Placement = {
  name: "in-fault",
  shmem: shmemInFault,
  doFault: callFault,
};
