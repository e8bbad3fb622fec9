/**
 * Wait queues (include/linux/wait.h). An entry stays on its queue until a waker or its task takes it off, under the queue's lock.
 */
import { Lock } from "./lock.js";
import type { Task } from "./task.js";

export class WaitQueueEntry {
  /** The queue it is on, which is not always the one it was added to: read() moves a fault from one to another. */
  head: WaitQueueHead<this> | null = null;

  constructor(readonly task: Task) {}
}

export class WaitQueueHead<Entry extends WaitQueueEntry = WaitQueueEntry> {
  readonly lock = new Lock();
  /** Oldest first. */
  readonly entries: Entry[] = [];

  /** waitqueue_active(): needs no lock. */
  get active(): boolean {
    return this.entries.length > 0;
  }

  /** __add_wait_queue(), the lock held. */
  add(entry: Entry): void {
    entry.task.ledger.waitQueueOperations++;
    entry.head = this;
    this.entries.push(entry);
  }

  /** __remove_wait_queue(), the lock held. */
  remove(entry: Entry): void {
    entry.task.ledger.waitQueueOperations++;
    entry.head = null;
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  /** __wake_up_locked(), the lock held: wakes those that `wanted` names, and takes them off the queue. */
  wakeLocked(current: Task, wanted: (entry: Entry) => boolean): void {
    current.ledger.waitQueueOperations++;
    for (let i = 0; i < this.entries.length; ) {
      const entry = this.entries[i]!;
      if (wanted(entry) && entry.task.wake()) {
        entry.head = null;
        this.entries.splice(i, 1);
      } else {
        i++;
      }
    }
  }
}
