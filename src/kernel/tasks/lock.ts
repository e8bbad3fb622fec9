/**
 * Locks. Each is taken with `while (!lock.lock(current)) yield;`: the call answers false when the task has to stop first, because
 * somebody holds the lock or because the task is explored.
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

  get held(): boolean {
    return this.#holder !== null;
  }

  lock(current: Task): boolean {
    if (current.ready === null && current.stops(this, "acquire")) return false;
    if (this.#holder === current) throw new Error(`${current.name} takes a lock that it holds`);
    return this.trylock(current) ? current.goesOn() : current.waits(() => this.#holder === null);
  }

  /** Answers at once. */
  trylock(current: Task): boolean {
    if (this.#holder !== null) return false;
    this.#holder = current;
    return true;
  }

  unlock(current: Task): void {
    if (this.#holder !== current) throw new Error(`${current.name} releases a lock that it does not hold`);
    this.#holder = null;
  }
}

/**
 * A lock held by many readers or one writer (struct rw_semaphore). A writer that waits keeps new readers out: else faults that
 * are taken again and again could keep close() from its lock for ever.
 */
export class ReadWriteLock {
  #readers = 0;
  #writer: Task | null = null;
  readonly #waitingWriters = new Set<Task>();

  get writer(): Task | null {
    return this.#writer;
  }
  get readLocked(): boolean {
    return this.#readers > 0;
  }

  readLock(current: Task): boolean {
    if (current.ready === null && current.stops(this, "acquire")) return false;
    return this.readTrylock() ? current.goesOn() : current.waits(() => this.#openToReaders);
  }

  /** Answers at once. The caller asks `current.stops(lock, "acquire")` itself. */
  readTrylock(): boolean {
    if (!this.#openToReaders) return false;
    this.#readers++;
    return true;
  }

  get #openToReaders(): boolean {
    return this.#writer === null && this.#waitingWriters.size === 0;
  }

  readUnlock(): void {
    if (this.#readers === 0) throw new Error("a read lock is released that nobody holds");
    this.#readers--;
  }

  writeLock(current: Task): boolean {
    if (current.ready === null && current.stops(this, "acquire")) return false;
    if (this.#writer !== null || this.#readers > 0) {
      this.#waitingWriters.add(current);
      return current.waits(() => this.#writer === null && this.#readers === 0);
    }
    this.#waitingWriters.delete(current);
    this.#writer = current;
    return current.goesOn();
  }

  writeUnlock(current: Task): void {
    if (this.#writer !== current)
      throw new Error(`${current.name} releases a write lock that it does not hold`);
    this.#writer = null;
  }
}
