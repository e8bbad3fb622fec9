/**
 * The executable kernel as a machine: the control thread is a task that nobody explores, and the others run while it waits.
 */
import { EFAULT, EINVAL, type MessageBuffer, POLLIN, SIGBUS, SIGSEGV } from "../abi/index.js";
import { Kernel, type KernelOptions } from "./kernel.js";
import { Process } from "./process.js";
import type { Stoppable, Task } from "./tasks/index.js";
import { userfaultfdPoll } from "./userfaultfd/index.js";

/** As machine/ declares it, which is above. */
interface Touch {
  readonly address: number;
  readonly order: Uint32Array;
  readonly access: "read" | "write";
  readonly bytes: Uint8Array;
  readonly throughSystemCall: boolean;
}

export class ExecutableMachine {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly pageSize: number;
  readonly #control: Task;

  /** @param clock nanoseconds, to time threads with: the kernel itself has no clock. */
  constructor(
    options: KernelOptions,
    readonly clock: () => number,
  ) {
    this.kernel = new Kernel(options);
    this.process = new Process(this.kernel);
    this.pageSize = this.kernel.memory.pageSize;
    this.#control = this.kernel.newTask("control");
  }

  #finish<T>(call: () => Stoppable<T>): T {
    return this.kernel.scheduler.finish(this.#control, call);
  }

  memfdCreate(_name: string): number {
    return this.process.memfdCreate();
  }
  ftruncate(fd: number, bytes: number): number {
    return this.#finish(() => this.process.ftruncate(this.#control, fd, bytes));
  }
  fallocate(fd: number, mode: number, offset: number, length: number): number {
    return this.#finish(() => this.process.fallocate(this.#control, fd, mode, offset, length));
  }
  pwrite(fd: number, bytes: Uint8Array, offset: number): number {
    return this.#finish(() => this.process.pwrite(this.#control, fd, bytes, offset));
  }
  pread(fd: number, into: Uint8Array, offset: number): number {
    return this.#finish(() => this.process.pread(this.#control, fd, into, offset));
  }
  close(fd: number): number {
    return this.#finish(() => this.process.close(this.#control, fd));
  }
  mmap(length: number, prot: number, flags: number, fd: number, offset: number): number {
    return this.#finish(() => this.process.mmap(this.#control, length, prot, flags, fd, offset));
  }
  munmap(address: number, length: number): number {
    return this.#finish(() => this.process.munmap(this.#control, address, length));
  }
  madvise(address: number, length: number, advice: number): number {
    return this.#finish(() => this.process.madvise(this.#control, address, length, advice));
  }
  userfaultfd(flags: number): number {
    return this.process.userfaultfd(flags);
  }
  ioctl(fd: number, request: number, argument: DataView): number {
    return this.#finish(() => this.process.ioctl(this.#control, fd, request, argument));
  }
  read(fd: number, messages: MessageBuffer): number {
    return this.#finish(() => this.process.read(this.#control, fd, messages));
  }

  readMemory(address: number, into: Uint8Array): void {
    const { bytes } = this.kernel.memory;
    for (let done = 0; done < into.length; ) {
      const length = Math.min(into.length - done, this.pageSize - ((address + done) % this.pageSize));
      const at = this.#finish(() => this.process.access(this.#control, address + done, false, "user"));
      if (at < 0)
        throw new Error(`the control thread got ${signalName(-at)} at 0x${(address + done).toString(16)}`);
      into.set(bytes.subarray(at, at + length), done);
      done += length;
    }
  }

  thread(): ExecutableThread {
    return new ExecutableThread(this.kernel, this.process, this.clock);
  }

  serve(
    fd: number,
    thread: ExecutableThread,
    _milliseconds: number,
    answer: () => void,
  ): "finished" | "stuck" {
    const ctx = this.process.userfaultfdContext(fd);
    const answered = () => {
      if (ctx === null || !(userfaultfdPoll(ctx) & POLLIN)) return false;
      answer();
      return true;
    };
    return this.kernel.scheduler.run(() => thread.idle, answered) ? "finished" : "stuck";
  }

  /** Closing wakes who sleeps in a fault; the threads then run to their end. */
  shutdown(): void {
    for (const fd of this.process.descriptors) this.close(fd);
    while (this.kernel.scheduler.runOne());
  }
}

export class ExecutableThread {
  readonly #kernel: Kernel;
  readonly #process: Process;
  readonly #clock: () => number;
  readonly #task: Task;
  #result = 0;
  #faultsBefore = 0;
  #started = 0;
  #nanoseconds = 0;
  idle = true;

  constructor(kernel: Kernel, process: Process, clock: () => number) {
    this.#kernel = kernel;
    this.#process = process;
    this.#clock = clock;
    this.#task = kernel.newTask("thread");
  }

  touch(touch: Touch): void {
    this.idle = false;
    this.#faultsBefore = this.#faults;
    this.#started = this.#clock();
    this.#kernel.scheduler.start(this.#task, () => this.#run(touch));
  }

  *#run(touch: Touch): Stoppable<void> {
    this.#result = yield* this.#touchPages(touch);
    this.#nanoseconds = this.#clock() - this.#started;
    this.idle = true;
  }

  *#touchPages({ address, order, access, bytes, throughSystemCall }: Touch): Stoppable<number> {
    const current = this.#task;
    const { mm } = this.#process;
    const memory = this.#kernel.memory.bytes;
    const write = access === "write";
    if (write && throughSystemCall) return -EINVAL;
    for (const page of order) {
      let at = mm.translate(address + page * mm.pageSize, write);
      if (at < 0) {
        const kind = throughSystemCall ? "kernel" : "user";
        at = yield* this.#process.access(current, address + page * mm.pageSize, write, kind);
        if (at < 0) return at;
      }
      if (write) memory[at] = bytes[page]!;
      else bytes[page] = memory[at]!;
    }
    return 0;
  }

  get #faults(): number {
    return this.#task.minorFaults + this.#task.majorFaults;
  }

  join(): { result: number; nanoseconds: number; faults: number } {
    if (
      !this.#kernel.scheduler.run(
        () => this.idle,
        () => false,
      )
    ) {
      throw new Error("the thread sleeps, and nobody is left to wake it");
    }
    return {
      result: this.#result,
      nanoseconds: this.#nanoseconds,
      faults: this.#faults - this.#faultsBefore,
    };
  }

  end(): void {}
}

function signalName(signal: number): string {
  if (signal === SIGBUS) return "SIGBUS";
  if (signal === SIGSEGV) return "SIGSEGV";
  return signal === EFAULT ? "EFAULT" : `signal ${signal}`;
}
