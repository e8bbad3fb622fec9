/**
 * Runs tasks that nobody explores, one at a time: each until it sleeps or ends.
 */
import type { Stoppable, Task } from "./task.js";

export class Scheduler {
  readonly #programs = new Map<Task, Stoppable<void>>();
  readonly #runnable: Task[] = [];

  /** Starts a program. It runs when somebody calls run(). */
  start(task: Task, program: Stoppable<void>): void {
    this.#programs.set(task, program);
    this.#runnable.push(task);
  }

  /** Called by Task.wake(). A task without a program here belongs to somebody else, who resumes it. */
  enqueue(task: Task): void {
    if (this.#programs.has(task)) this.#runnable.push(task);
  }

  /** Runs one task until it sleeps or ends. False when none can run: all have ended or sleep. */
  runOne(): boolean {
    const task = this.#runnable.shift();
    if (task === undefined) return false;
    const program = this.#programs.get(task)!;
    if (program.next().done) this.#programs.delete(task);
    else if (!task.asleep) this.#runnable.push(task);
    return true;
  }

  /** Runs a call of `task`, which has no program of its own, to its end; other tasks run while it sleeps. */
  finish<T>(task: Task, call: Stoppable<T>): T {
    for (;;) {
      const step = call.next();
      if (step.done) return step.value;
      while (task.asleep) {
        if (!this.runOne()) throw new Error(`${task.name} sleeps, and nobody is left to wake it`);
      }
    }
  }
}
