/**
 * A userfaultfd (struct userfaultfd_ctx).
 */
import type { Mm } from "../memory/index.js";
import { SequenceCount, type Task, WaitQueueEntry, WaitQueueHead } from "../tasks/index.js";

export class UserfaultfdContext {
  /** Faults that nobody has read yet. */
  readonly faultPendingWqh = new WaitQueueHead<UserfaultfdWaitQueue>();
  /** Faults that have been read, and not been woken yet. */
  readonly faultWqh = new WaitQueueHead<UserfaultfdWaitQueue>();
  /** Who waits for a message in read(). */
  readonly fdWqh = new WaitQueueHead();
  /** Held by read() while it moves a fault from the first queue to the second: for a moment the fault is on neither. */
  readonly refileSeq = new SequenceCount();
  /** UFFD_FEATURE_*, after UFFDIO_API. */
  features = 0;
  /** UFFDIO_API has succeeded. */
  initialized = false;
  /** The descriptor is closed. */
  closed = false;
  /** Calls that are inside: the userfaultfd is released when it is closed and the last of them has left (fput). */
  users = 0;
  /** Nobody will answer any more. */
  released = false;

  constructor(
    readonly mm: Mm,
    /** Of the userfaultfd system call: O_NONBLOCK, UFFD_USER_MODE_ONLY. */
    readonly flags: number,
  ) {}
}

/** A sleeping fault and its message (struct userfaultfd_wait_queue). */
export class UserfaultfdWaitQueue extends WaitQueueEntry {
  constructor(
    task: Task,
    /** UFFD_PAGEFAULT_FLAG_* */
    readonly flags: number,
    readonly address: number,
    readonly threadId: number,
  ) {
    super(task);
  }
}
