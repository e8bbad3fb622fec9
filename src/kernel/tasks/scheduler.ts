/**
 * Runs tasks that nobody explores, one at a time: each until it sleeps or ends.
 */
import type { RunQueue, Stoppable, Task } from "./task.js";

/** A task sleeps, and nobody is left to wake it. */
class Stuck extends Error {}

export class Scheduler implements RunQueue {
  /** The programs of tasks: not begun, in the middle, or (compiled without generators) begun and on the stack: null. */
  readonly #programs = new Map<Task, (() => Stoppable<void>) | Stoppable<void> | null>();
  readonly #runnable: Task[] = [];
  #idle: () => boolean = () => false;

  /** Gives a task a program. It runs when somebody waits. */
  start(task: Task, program: () => Stoppable<void>): void {
    this.#programs.set(task, program);
    this.#runnable.push(task);
  }

  enqueue(task: Task): void {
    // A task on the stack, or without a program here, goes on where it waits.
    if (this.#programs.get(task)) this.#runnable.push(task);
  }

  /** Runs one task until it sleeps or ends. False when none can run: all have ended or sleep. */
  runOne(): boolean {
    const task = this.#runnable.shift();
    if (task === undefined) return false;
    let program = this.#programs.get(task)!;
    if (typeof program === "function") {
      this.#programs.set(task, null);
      const begun = program();
      if (!isStoppable(begun)) {
        this.#programs.delete(task);
        return true;
      }
      program = begun;
      this.#programs.set(task, program);
    }
    if (program.next().done) this.#programs.delete(task);
    else if (!task.asleep) this.#runnable.push(task);
    return true;
  }

  block(task: Task): void {
    while (task.asleep) {
      if (!this.runOne() && !this.#idle())
        throw new Stuck(`${task.name} sleeps, and nobody is left to wake it`);
    }
  }

  /** Runs a call of `task`, which has no program of its own, to its end; other tasks run while it sleeps. */
  finish<T>(task: Task, call: () => Stoppable<T>): T {
    const begun = call();
    if (!isStoppable(begun)) return begun;
    for (;;) {
      const step = begun.next();
      if (step.done) return step.value;
      this.block(task);
    }
  }

  /**
   * Runs tasks until `done` says so. `idle` is called whenever none of them can run, and says whether it did anything. False:
   * nobody can do anything any more.
   */
  run(done: () => boolean, idle: () => boolean): boolean {
    const outer = this.#idle;
    this.#idle = idle;
    try {
      while (!done()) {
        if (!this.runOne() && !idle()) return false;
      }
      return true;
    } catch (error) {
      if (error instanceof Stuck) return false;
      throw error;
    } finally {
      this.#idle = outer;
    }
  }
}

/** False where the kernel is compiled without generators: what was called has run already, and this is its result. */
function isStoppable<T>(begun: Stoppable<T> | T): begun is Stoppable<T> {
  return typeof begun === "object" && begun !== null && "next" in begun;
}
