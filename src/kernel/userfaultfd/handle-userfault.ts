/**
 * handle_userfault(): a fault becomes a message, and the task that took it sleeps until it is woken (mm/userfaultfd.c).
 */
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_INTERRUPTIBLE,
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_RETRY_NOWAIT,
  FAULT_FLAG_USER,
  FAULT_FLAG_WRITE,
  UFFD_FEATURE,
  UFFD_PAGEFAULT_FLAG_MINOR,
  UFFD_PAGEFAULT_FLAG_WRITE,
  UFFD_USER_MODE_ONLY,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  type VmFaultReason,
} from "../../abi/index.js";
import {
  pteNone,
  releaseFaultLock,
  VM_UFFD_MINOR,
  type VM_UFFD_MISSING,
  type VmFault,
} from "../memory/index.js";
import type { Stoppable, TaskState } from "../tasks/index.js";
import { UserfaultfdWaitQueue } from "./context.js";

/**
 * Called with the fault's lock held (the VMA's or the mmap lock) and no other. Answers VM_FAULT_RETRY, the lock dropped and the
 * fault to be taken again from the start, whoever or whatever ended the sleep; VM_FAULT_SIGBUS where nobody is to be asked; and
 * VM_FAULT_RETRY with the lock still held for FAULT_FLAG_RETRY_NOWAIT.
 */
export function* handleUserfault(
  vmf: VmFault,
  reason: typeof VM_UFFD_MISSING | typeof VM_UFFD_MINOR,
): Stoppable<VmFaultReason> {
  const { current, vma, flags } = vmf;
  if (current.exiting) return VM_FAULT_SIGBUS;
  const ctx = vma.userfaultfdContext;
  if (ctx === null) return VM_FAULT_SIGBUS;
  if (ctx.features & UFFD_FEATURE.SIGBUS) return VM_FAULT_SIGBUS;
  if (!(flags & FAULT_FLAG_USER) && ctx.flags & UFFD_USER_MODE_ONLY) return VM_FAULT_SIGBUS;
  if (!(flags & FAULT_FLAG_ALLOW_RETRY)) return VM_FAULT_SIGBUS;
  if (flags & FAULT_FLAG_RETRY_NOWAIT) return VM_FAULT_RETRY;

  while (current.stops(ctx, "read")) yield;
  if (ctx.released) {
    // Not SIGBUS: close must not kill. Not NOPAGE: a caller in the kernel would retry with the lock held, and close waits for it.
    releaseFaultLock(vmf);
    return VM_FAULT_RETRY;
  }

  const uwq = new UserfaultfdWaitQueue(
    current,
    (flags & FAULT_FLAG_WRITE ? UFFD_PAGEFAULT_FLAG_WRITE : 0) |
      (reason === VM_UFFD_MINOR ? UFFD_PAGEFAULT_FLAG_MINOR : 0),
    ctx.features & UFFD_FEATURE.EXACT_ADDRESS ? vmf.realAddress : vmf.address,
    ctx.features & UFFD_FEATURE.THREAD_ID ? current.threadId : 0,
  );
  while (!ctx.faultPendingWqh.lock.lock(current)) yield;
  // From here on the fault can be read, and woken.
  ctx.faultPendingWqh.add(uwq);
  // Before the lock is released: a waker must find the task asleep.
  current.state = blockingState(flags);
  ctx.faultPendingWqh.lock.unlock(current);

  // The page may have come between the fault's look at the page table and the queueing: its wake-up found nobody.
  const mustWait = yield* userfaultfdMustWait(vmf);
  releaseFaultLock(vmf);

  while (current.stops(ctx, "read")) yield;
  if (mustWait && !ctx.released) {
    while (!ctx.fdWqh.lock.lock(current)) yield;
    ctx.fdWqh.wakeLocked(current, () => true);
    ctx.fdWqh.lock.unlock(current);
    current.ledger.sleeps++;
    while (current.asleep) yield;
  }
  current.state = "running";

  while (current.stops(uwq, "read")) yield;
  if (uwq.head !== null) {
    while (!ctx.faultPendingWqh.lock.lock(current)) yield;
    // It may have been woken, and so taken off, while this task waited for the lock.
    uwq.head?.remove(uwq);
    ctx.faultPendingWqh.lock.unlock(current);
  }
  return VM_FAULT_RETRY;
}

/** userfaultfd_must_wait(): whether the page table still has nothing to offer. Read without the page-table lock. */
function* userfaultfdMustWait(vmf: VmFault): Stoppable<boolean> {
  const { current, mm } = vmf;
  while (current.stops(mm, "read")) yield;
  const table = mm.table(vmf.address);
  if (table === null) return true;
  while (current.stops(table, "read")) yield;
  return pteNone(table.get(vmf.pteIndex));
}

function blockingState(flags: number): TaskState {
  if (flags & FAULT_FLAG_INTERRUPTIBLE) return "interruptible";
  if (flags & FAULT_FLAG_KILLABLE) return "killable";
  return "uninterruptible";
}
