/**
 * The architecture's part of a fault: which lock, which VMA, may it be touched at all, and again from the start on RETRY
 * (arch/x86/mm/fault.c).
 */
import {
  EFAULT,
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_INTERRUPTIBLE,
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_USER,
  FAULT_FLAG_VMA_LOCK,
  FAULT_FLAG_WRITE,
  SIGBUS,
  SIGSEGV,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_RETRY,
  VM_FAULT_SIGSEGV,
  type VmFaultReason,
} from "../../abi/index.js";
import { lockVmaUnderRcu, type Mm, VM_READ, VM_WRITE, type Vma, vmaEndRead } from "../memory/index.js";
import type { Stoppable, Task } from "../tasks/index.js";
import type { FaultPath } from "./fault-path.js";
import { handleMmFault } from "./handle-mm-fault.js";

export type AccessKind = "user" | "kernel";

/**
 * do_user_addr_fault(): 0: the access is to be tried again. Else the signal that a program gets (SIGBUS, SIGSEGV), or -EFAULT
 * for an access that the kernel makes. Blocks in userfaultfd.
 */
export function* doUserAddrFault(
  path: FaultPath,
  current: Task,
  mm: Mm,
  address: number,
  write: boolean,
  kind: AccessKind,
): Stoppable<number> {
  let flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | FAULT_FLAG_INTERRUPTIBLE;
  if (write) flags |= FAULT_FLAG_WRITE;

  if (kind === "user") {
    flags |= FAULT_FLAG_USER;
    const vma = yield* lockVmaUnderRcu(current, mm, address);
    if (vma !== null) {
      if (accessError(vma, write)) {
        vmaEndRead(vma);
        return SIGSEGV;
      }
      const ret = yield* handleMmFault(path, current, vma, address, flags | FAULT_FLAG_VMA_LOCK);
      if (!(ret & VM_FAULT_RETRY)) {
        vmaEndRead(vma);
        return faultError(ret, kind);
      }
      // Somebody dropped the VMA lock. The second attempt has the mmap lock, under which nothing can refuse it.
      if (ret & VM_FAULT_MAJOR) flags |= FAULT_FLAG_TRIED;
    }
  }

  for (;;) {
    while (!mm.mmapLock.readLock(current)) yield;
    current.ledger.mmapLocks++;
    const vma = mm.findVma(address);
    if (vma === null || accessError(vma, write)) {
      mm.mmapLock.readUnlock();
      return kind === "user" ? SIGSEGV : -EFAULT;
    }
    const ret = yield* handleMmFault(path, current, vma, address, flags);
    if (ret & VM_FAULT_RETRY) {
      flags |= FAULT_FLAG_TRIED;
      continue;
    }
    mm.mmapLock.readUnlock();
    return faultError(ret, kind);
  }
}

/** access_error() */
function accessError(vma: Vma, write: boolean): boolean {
  if (write) return (vma.flags & VM_WRITE) === 0;
  return (vma.flags & (VM_READ | VM_WRITE)) === 0;
}

function faultError(ret: VmFaultReason, kind: AccessKind): number {
  if (!(ret & VM_FAULT_ERROR)) return 0;
  if (kind === "kernel") return -EFAULT;
  return ret & VM_FAULT_SIGSEGV ? SIGSEGV : SIGBUS;
}
