/**
 * A task: a thread of the program, running kernel code (struct task_struct).
 *
 * Kernel functions that can stop are generators. There are two reasons to stop, and one way: the function says `yield`.
 *
 * - It sleeps: a lock is held, or nobody has woken it yet. `while (!lock.lock(current)) yield;`
 * - The task is explored: somebody wants to choose which task goes next before each touch of a shared object.
 *   `while (current.stops(object, "read")) yield;` With nobody exploring `stops` is false, and the function runs through.
 *
 * A yield stands in one of these loops and nowhere else. The kernel is also compiled without generators
 * (scripts/compile-direct.mjs), several times as fast, where nobody explores: there a task that sleeps runs the others on top of
 * its own stack until it is woken.
 *
 * Invariants:
 * 1. Between two touches a task changes nothing that another task can see.
 * 2. A task that sleeps has set its state before it released the lock of the queue it sleeps on, so no wake-up is lost.
 * 3. A task that nobody explores does not sleep with a lock held. So it never finds one held: that is a defect, and throws.
 * 4. Memory is sequentially consistent: a missing barrier cannot be seen here.
 */
import type { Ledger } from "../ledger.js";

/** A kernel function that may stop, with what it returns in the end. */
export type Stoppable<T> = Generator<void, T, void>;

/** A release of a lock is never stopped at: it goes with the step before it. */
export type TouchKind = "read" | "write" | "acquire";

/** What an explored task is about to do: it happens when the task is resumed. */
export interface NextTouch {
  readonly object: object;
  readonly kind: TouchKind;
}

export type TaskState = "running" | "interruptible" | "killable" | "uninterruptible";

export interface RunQueue {
  /** The task may run again. */
  enqueue(task: Task): void;
  /** Runs others until the task may run again. */
  block(task: Task): void;
}

let lastThreadId = 0;

export class Task {
  /** gettid(): what a message says with the feature THREAD_ID. */
  readonly threadId = ++lastThreadId;
  /** Anything but "running": it sleeps in schedule(), or will there. Set by the task itself, back to "running" by who wakes it. */
  state: TaskState = "running";
  /** PF_EXITING or PF_DUMPCORE: it must not sleep in a fault any more. */
  exiting = false;
  /** Explored: the touch that the task has stopped before. */
  next: NextTouch | null = null;
  /** Explored: what has to come true before the task can go on, where it waits for a lock. */
  ready: (() => boolean) | null = null;
  /** task_struct::min_flt and maj_flt: faults completed. */
  minorFaults = 0;
  majorFaults = 0;

  constructor(
    readonly name: string,
    readonly ledger: Ledger,
    readonly explored: boolean,
    readonly runQueue: RunQueue,
  ) {}

  /** True when the task is to stop before this touch: yield, then ask again. */
  stops(object: object, kind: TouchKind): boolean {
    if (!this.explored) return false;
    if (this.next !== null) {
      this.next = null;
      return false;
    }
    this.next = { object, kind };
    return true;
  }

  /** The task cannot go on before `ready`. Answers false: yield, then ask again. */
  waits(ready: () => boolean): false {
    if (!this.explored)
      throw new Error(`${this.name} finds a lock held, and nobody runs who could release it`);
    this.ready = ready;
    return false;
  }

  /** What it waited for has come, if it waited. Answers true. */
  goesOn(): true {
    this.ready = null;
    return true;
  }

  /** Explored, and stopped: it cannot be resumed now. */
  get blocked(): boolean {
    if (this.ready !== null) return !this.ready();
    return this.next === null && this.asleep;
  }

  /** schedule(): `while (current.asleep) yield;` */
  get asleep(): boolean {
    return this.state !== "running";
  }

  /** What a yield becomes where the kernel is compiled without generators. */
  block(): void {
    this.runQueue.block(this);
  }

  /** try_to_wake_up(): false if it was not asleep. */
  wake(): boolean {
    if (this.state === "running") return false;
    this.state = "running";
    this.runQueue.enqueue(this);
    return true;
  }
}
