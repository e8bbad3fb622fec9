/**
 * UFFDIO_REGISTER, UFFDIO_UNREGISTER and closing: which VMA belongs to which userfaultfd.
 */
import {
  _UFFDIO,
  EBUSY,
  EINVAL,
  EPERM,
  TASK_SIZE,
  UFFDIO_REGISTER_MODE_MINOR,
  UFFDIO_REGISTER_MODE_MISSING,
  UFFDIO_REGISTER_MODE_WP,
} from "../../abi/index.js";
import {
  type Mm,
  VM_MAYWRITE,
  VM_UFFD_FLAGS,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  type Vma,
  vmaStartWrite,
} from "../memory/index.js";
import type { Stoppable, Task } from "../tasks/index.js";
import type { UserfaultfdContext } from "./context.js";
import { wakeLocked, wakeUserfault } from "./wake-userfault.js";

/** validate_range(): 0, or -EINVAL for a range that is empty, not of whole pages, or not below TASK_SIZE. */
export function validateRange(mm: Mm, start: number, len: number): number {
  if (start % mm.pageSize !== 0) return -EINVAL;
  return validateUnalignedRange(mm, start, len);
}

/** validate_unaligned_range(): as validateRange(), where `start` may be any byte. */
export function validateUnalignedRange(mm: Mm, start: number, len: number): number {
  if (len % mm.pageSize !== 0 || len <= 0) return -EINVAL;
  if (start < 0 || start >= TASK_SIZE || len > TASK_SIZE - start) return -EINVAL;
  return 0;
}

/** Whether a mode has a bit that is not `known`: bits above 31 are not seen by JavaScript's operators. */
export function hasUnknownBits(mode: number, known: number): boolean {
  return mode >= 2 ** 32 || mode < 0 || (mode & ~known) !== 0;
}

/** 0, or minus an errno. `mode` is UFFDIO_REGISTER_MODE_*. */
export function* userfaultfdRegister(
  current: Task,
  ctx: UserfaultfdContext,
  start: number,
  len: number,
  mode: number,
): Stoppable<number> {
  const { mm } = ctx;
  if (mode === 0) return -EINVAL;
  if (
    hasUnknownBits(mode, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR)
  )
    return -EINVAL;
  const vmFlags =
    (mode & UFFDIO_REGISTER_MODE_MISSING ? VM_UFFD_MISSING : 0) |
    (mode & UFFDIO_REGISTER_MODE_WP ? VM_UFFD_WP : 0) |
    (mode & UFFDIO_REGISTER_MODE_MINOR ? VM_UFFD_MINOR : 0);
  const invalid = validateRange(mm, start, len);
  if (invalid) return invalid;

  while (!mmapWriteLock(current, mm)) yield;
  const error = yield* registerLocked(current, ctx, start, start + len, vmFlags);
  mm.mmapWriteUnlock(current);
  return error;
}

function* registerLocked(
  current: Task,
  ctx: UserfaultfdContext,
  start: number,
  end: number,
  vmFlags: number,
): Stoppable<number> {
  const { mm } = ctx;
  const vmas = mm.vmasIn(start, end);
  if (vmas.length === 0) return -EINVAL;
  for (const vma of vmas) {
    if (!vmaCanUserfault(vma, vmFlags)) return -EINVAL;
    // COPY fills holes of the file: who may not write the file must not.
    if (!(vma.flags & VM_MAYWRITE)) return -EPERM;
    if (vma.userfaultfdContext !== null && vma.userfaultfdContext !== ctx) return -EBUSY;
  }
  for (const vma of vmas) {
    // All that is asked for is on already. What else is on stays.
    if (vma.userfaultfdContext === ctx && (vma.flags & vmFlags) === vmFlags) continue;
    const part = yield* mm.isolate(current, vma, start, end);
    yield* vmaStartWrite(current, part);
    part.flags = (part.flags & ~VM_UFFD_FLAGS) | vmFlags;
    part.userfaultfdContext = ctx;
  }
  yield* mm.merge(current, start, end);
  return 0;
}

/** What a REGISTER of this mode reports in its `ioctls` field: bits numbered by _UFFDIO. */
export function rangeIoctls(mode: number): bigint {
  let ioctls =
    (1n << BigInt(_UFFDIO.WAKE)) |
    (1n << BigInt(_UFFDIO.COPY)) |
    (1n << BigInt(_UFFDIO.ZEROPAGE)) |
    (1n << BigInt(_UFFDIO.MOVE)) |
    (1n << BigInt(_UFFDIO.POISON));
  if (mode & UFFDIO_REGISTER_MODE_WP) ioctls |= 1n << BigInt(_UFFDIO.WRITEPROTECT);
  if (mode & UFFDIO_REGISTER_MODE_MINOR) ioctls |= 1n << BigInt(_UFFDIO.CONTINUE);
  return ioctls;
}

/**
 * 0, or minus an errno. Waiters are woken only where MISSING was registered, and before the VMA's context is cleared: a fault
 * that runs under the VMA lock can still queue itself in between, and nobody wakes it.
 */
export function* userfaultfdUnregister(
  current: Task,
  ctx: UserfaultfdContext,
  start: number,
  len: number,
): Stoppable<number> {
  const { mm } = ctx;
  const invalid = validateRange(mm, start, len);
  if (invalid) return invalid;

  while (!mmapWriteLock(current, mm)) yield;
  const error = yield* unregisterLocked(current, ctx, start, start + len);
  mm.mmapWriteUnlock(current);
  return error;
}

function* unregisterLocked(
  current: Task,
  ctx: UserfaultfdContext,
  start: number,
  end: number,
): Stoppable<number> {
  const { mm } = ctx;
  const vmas = mm.vmasIn(start, end);
  if (vmas.length === 0) return -EINVAL;
  for (const vma of vmas) {
    if (vma.userfaultfdContext !== null && vma.userfaultfdContext !== ctx) return -EINVAL;
    if (!vmaCanUserfault(vma, vma.flags & VM_UFFD_FLAGS)) return -EINVAL;
  }
  for (const vma of vmas) {
    if (vma.userfaultfdContext === null) continue;
    const from = Math.max(vma.start, start);
    if (vma.flags & VM_UFFD_MISSING) {
      yield* wakeUserfault(current, ctx, from, Math.min(vma.end, end) - from);
    }
    const part = yield* mm.isolate(current, vma, start, end);
    yield* clearUserfaultfd(current, part);
  }
  yield* mm.merge(current, start, end);
  return 0;
}

/** userfaultfd_release(): the last descriptor is closed. Nobody is left asleep, and the memory is ordinary again. */
export function* userfaultfdRelease(current: Task, ctx: UserfaultfdContext): Stoppable<void> {
  const { mm } = ctx;
  while (current.stops(ctx, "write")) yield;
  ctx.released = true;
  while (!mmapWriteLock(current, mm)) yield;
  for (const vma of mm.vmasIn(0, TASK_SIZE)) {
    if (vma.userfaultfdContext === ctx) yield* clearUserfaultfd(current, vma);
  }
  yield* mm.merge(current, 0, TASK_SIZE);
  mm.mmapWriteUnlock(current);
  yield* wakeLocked(current, ctx, () => true);
  while (!ctx.fdWqh.lock.lock(current)) yield;
  ctx.fdWqh.wakeLocked(current, () => true);
  ctx.fdWqh.lock.unlock(current);
}

/** vma_can_userfault() */
function vmaCanUserfault(vma: Vma, vmFlags: number): boolean {
  if (vma.operations !== null) return vma.operations.canUserfault(vmFlags);
  return (vmFlags & (VM_UFFD_MINOR | VM_UFFD_WP)) === 0;
}

function* clearUserfaultfd(current: Task, vma: Vma): Stoppable<void> {
  yield* vmaStartWrite(current, vma);
  vma.flags &= ~VM_UFFD_FLAGS;
  vma.userfaultfdContext = null;
}

function mmapWriteLock(current: Task, mm: Mm): boolean {
  if (!mm.mmapLock.writeLock(current)) return false;
  current.ledger.mmapLocks++;
  return true;
}
