/**
 * wake_userfault(): wakes the faults in a range, read or not. A fault that is woken before it was read is never read.
 */
import type { Stoppable, Task } from "../tasks/index.js";
import type { UserfaultfdContext, UserfaultfdWaitQueue } from "./context.js";

/** `len` in bytes; 0 wakes all, which only closing does. */
export function* wakeUserfault(
  current: Task,
  ctx: UserfaultfdContext,
  start: number,
  len: number,
): Stoppable<void> {
  let needWakeup: boolean;
  let sequence: number;
  do {
    while ((sequence = ctx.refileSeq.readBegin(current)) < 0) yield;
    while (current.stops(ctx.faultPendingWqh, "read")) yield;
    needWakeup = ctx.faultPendingWqh.active;
    if (!needWakeup) {
      while (current.stops(ctx.faultWqh, "read")) yield;
      needWakeup = ctx.faultWqh.active;
    }
    // read() moved a fault meanwhile: both queues may have looked empty.
  } while (ctx.refileSeq.readRetry(sequence));
  if (needWakeup) {
    yield* wakeLocked(
      current,
      ctx,
      (uwq) => len === 0 || (start <= uwq.address && uwq.address < start + len),
    );
  }
}

/** __wake_userfault() */
export function* wakeLocked(
  current: Task,
  ctx: UserfaultfdContext,
  wanted: (uwq: UserfaultfdWaitQueue) => boolean,
): Stoppable<void> {
  while (!ctx.faultPendingWqh.lock.lock(current)) yield;
  if (ctx.faultPendingWqh.active) ctx.faultPendingWqh.wakeLocked(current, wanted);
  if (ctx.faultWqh.active) {
    while (!ctx.faultWqh.lock.lock(current)) yield;
    ctx.faultWqh.wakeLocked(current, wanted);
    ctx.faultWqh.lock.unlock(current);
  }
  ctx.faultPendingWqh.lock.unlock(current);
}
