/**
 * read() and poll() on a userfaultfd.
 */
import {
  EAGAIN,
  EINVAL,
  type MessageBuffer,
  O_NONBLOCK,
  POLLERR,
  POLLIN,
  UFFD_MSG_SIZE,
} from "../../abi/index.js";
import { type Stoppable, type Task, WaitQueueEntry } from "../tasks/index.js";
import type { UserfaultfdContext, UserfaultfdWaitQueue } from "./context.js";

/** userfaultfd_read(): bytes read, as many messages as there are and fit. Blocks for the first one unless O_NONBLOCK. */
export function* userfaultfdRead(
  current: Task,
  ctx: UserfaultfdContext,
  messages: MessageBuffer,
): Stoppable<number> {
  if (!ctx.initialized) return -EINVAL;
  if (messages.capacity === 0) return -EINVAL;
  let count = 0;
  let noWait = (ctx.flags & O_NONBLOCK) !== 0;
  while (count < messages.capacity) {
    const uwq = yield* userfaultfdCtxRead(current, ctx, noWait);
    if (uwq === null) break;
    messages.writePagefault(count++, uwq.flags, uwq.address, uwq.threadId);
    noWait = true;
  }
  return count === 0 ? -EAGAIN : count * UFFD_MSG_SIZE;
}

/** userfaultfd_ctx_read(): the oldest unread fault, which from then on has been read; null if there is none and `noWait`. */
function* userfaultfdCtxRead(
  current: Task,
  ctx: UserfaultfdContext,
  noWait: boolean,
): Stoppable<UserfaultfdWaitQueue | null> {
  while (!ctx.fdWqh.lock.lock(current)) yield;
  for (;;) {
    while (!ctx.faultPendingWqh.lock.lock(current)) yield;
    const uwq = ctx.faultPendingWqh.entries[0];
    if (uwq !== undefined) {
      ctx.refileSeq.writeBegin();
      ctx.faultPendingWqh.remove(uwq);
      // Here a waker that takes no lock finds both queues empty. Not so the fault's own task: it must not think it was woken.
      uwq.head = ctx.faultWqh;
      while (!ctx.faultWqh.lock.lock(current)) yield;
      ctx.faultWqh.add(uwq);
      ctx.faultWqh.lock.unlock(current);
      ctx.refileSeq.writeEnd();
      ctx.faultPendingWqh.lock.unlock(current);
      ctx.fdWqh.lock.unlock(current);
      return uwq;
    }
    ctx.faultPendingWqh.lock.unlock(current);
    if (noWait) {
      ctx.fdWqh.lock.unlock(current);
      return null;
    }
    ctx.fdWqh.add(new WaitQueueEntry(current));
    current.state = "interruptible";
    ctx.fdWqh.lock.unlock(current);
    // A fault that came since the look above has not been missed: it wakes fd_wqh after it was queued.
    while (current.asleep) yield;
    while (!ctx.fdWqh.lock.lock(current)) yield;
  }
}

/** userfaultfd_poll(): POLLERR before UFFDIO_API and on a blocking descriptor, since read() may block in spite of POLLIN. */
export function userfaultfdPoll(ctx: UserfaultfdContext): number {
  if (!ctx.initialized) return POLLERR;
  if (!(ctx.flags & O_NONBLOCK)) return POLLERR;
  return ctx.faultPendingWqh.active ? POLLIN : 0;
}
