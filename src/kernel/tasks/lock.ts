/**
 * Locks. Each is taken with `while (!lock.lock(current)) yield;`: the call answers false when the task has to stop first, because
 * somebody holds the lock (the task then sleeps until it is released) or because the task is explored.
 *
 * Lock order, outermost first, as in mm/filemap.c and mm/rmap.c:
 *
 *   inode lock
 *     mmap lock
 *       VMA lock (memory/vma-lock.ts)
 *         folio lock
 *           page-table lock
 *   fd_wqh.lock
 *     fault_pending_wqh.lock
 *       fault_wqh.lock
 */
import type { Task } from "./task.js";

/** A lock held by one task at a time: a spinlock, a mutex, or the folio lock. */
export class Lock {
  #holder: Task | null = null;
  /** Created on contention: nearly all locks never see any. */
  #waiters: Task[] | null = null;

  get held(): boolean {
    return this.#holder !== null;
  }

  lock(current: Task): boolean {
    if (current.stops(this, "acquire")) return false;
    if (this.trylock(current)) return true;
    if (this.#holder === current) throw new Error(`${current.name} takes a lock that it holds`);
    this.#waiters ??= [];
    this.#waiters.push(current);
    current.state = "uninterruptible";
    return false;
  }

  trylock(current: Task): boolean {
    if (this.#holder !== null) return false;
    this.#holder = current;
    return true;
  }

  unlock(current: Task): void {
    if (this.#holder !== current) throw new Error(`${current.name} releases a lock that it does not hold`);
    this.#holder = null;
    if (this.#waiters !== null) this.#waiters = wakeAll(this.#waiters);
  }
}

/** A lock held by many readers or one writer (struct rw_semaphore). */
export class ReadWriteLock {
  #readers = 0;
  #writer: Task | null = null;
  #waiters: Task[] | null = null;

  get writer(): Task | null {
    return this.#writer;
  }
  get readLocked(): boolean {
    return this.#readers > 0;
  }

  readLock(current: Task): boolean {
    if (current.stops(this, "acquire")) return false;
    return this.readTrylock() || this.#sleep(current);
  }

  /** Answers at once. The caller asks `current.stops(lock, "acquire")` itself. */
  readTrylock(): boolean {
    if (this.#writer !== null) return false;
    this.#readers++;
    return true;
  }

  readUnlock(): void {
    if (this.#readers === 0) throw new Error("a read lock is released that nobody holds");
    this.#readers--;
    if (this.#readers === 0 && this.#waiters !== null) this.#waiters = wakeAll(this.#waiters);
  }

  writeLock(current: Task): boolean {
    if (current.stops(this, "acquire")) return false;
    if (this.#writer !== null || this.#readers > 0) return this.#sleep(current);
    this.#writer = current;
    return true;
  }

  writeUnlock(current: Task): void {
    if (this.#writer !== current)
      throw new Error(`${current.name} releases a write lock that it does not hold`);
    this.#writer = null;
    if (this.#waiters !== null) this.#waiters = wakeAll(this.#waiters);
  }

  #sleep(current: Task): false {
    this.#waiters ??= [];
    this.#waiters.push(current);
    current.state = "uninterruptible";
    return false;
  }
}

function wakeAll(waiters: Task[]): null {
  for (const task of waiters) task.wake();
  return null;
}
