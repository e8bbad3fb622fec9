/**
 * A thread that touches memory: a worker that the control thread commands through shared memory, both of them blocking.
 *
 * That it has finished shows in two places. The state is what join() waits on; the eventfd is what the control thread polls
 * together with a userfaultfd. The eventfd is written first, so that whoever sees the state IDLE may reset it.
 */
import { Worker } from "node:worker_threads";
import {
  errnoName,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  O_CLOEXEC,
  O_NONBLOCK,
  PROT_READ,
  PROT_WRITE,
} from "../abi/index.js";
import type { Libc } from "./libc.js";
import {
  type Access,
  Shared,
  STATE,
  type ThreadData,
  type Touch,
  type TouchResult,
} from "./thread-protocol.js";

const START_LIMIT_MS = 20_000;

const WARM_UP = { pages: 64, accesses: 1024, quietRounds: 8, rounds: 500, pauseMs: 1 } as const;

export class LinuxThread {
  /** An eventfd, readable while a finished touch has not been joined. */
  readonly finished: number;

  readonly #libc: Libc;
  readonly #worker: Worker;
  readonly #shared = new Shared(new SharedArrayBuffer(Shared.size));
  readonly #eventCount = new DataView(new ArrayBuffer(8));
  readonly #descriptors: readonly number[];

  /** Blocks until the thread has started, some 80 ms. Throws where the process has no descriptor left. */
  constructor(libc: Libc) {
    this.#libc = libc;
    const ends = new DataView(new ArrayBuffer(8));
    demand(libc.pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
    const from = ends.getInt32(0, true);
    const into = ends.getInt32(4, true);
    this.finished = demand(libc.eventfd(0, O_CLOEXEC | O_NONBLOCK), "eventfd");
    this.#descriptors = [from, into, this.finished];

    const data: ThreadData = { memory: this.#shared.memory, finished: this.finished, from, into };
    this.#worker = new Worker(new URL("./thread-worker.js", import.meta.url), {
      workerData: data,
      // Not the program's own: a loader's hooks answer through the event loop of this thread, which now blocks.
      execArgv: [],
      // V8's smallest, so that it is soon all present: each new page of it may be a fault in the middle of a touch.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    this.#worker.unref();
    if (!this.#leaves(STATE.STARTING, START_LIMIT_MS)) {
      this.terminate();
      throw new Error(`a thread did not start within ${START_LIMIT_MS} ms`);
    }
    this.#warmUp();
  }

  /**
   * Touches memory that is there, until that has counted no fault for a while: V8 compiles what runs often, beside it, and takes
   * faults of its own whenever it puts the result in place.
   */
  #warmUp(): void {
    const libc = this.#libc;
    const length = WARM_UP.pages * libc.pageSize();
    // Not in the heap: its addresses may be small integers of V8's, which those of mappings are not.
    const address = libc.mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    demand(address, "mmap");
    const order = Uint32Array.from({ length: WARM_UP.accesses }, (_, i) => i % WARM_UP.pages);
    const bytes = new Uint8Array(new SharedArrayBuffer(WARM_UP.pages));
    const faults = (access: Access, throughSystemCall: boolean) => {
      this.touch({ address, order, access, bytes, throughSystemCall });
      return this.join().faults;
    };
    const pause = new Int32Array(new SharedArrayBuffer(4));
    let quiet = 0;
    for (let round = 0; quiet < WARM_UP.quietRounds && round < WARM_UP.rounds; round++) {
      const sum = faults("write", false) + faults("read", false) + faults("read", true);
      quiet = sum === 0 ? quiet + 1 : 0;
      Atomics.wait(pause, 0, 0, WARM_UP.pauseMs);
    }
    libc.munmap(address, length);
  }

  get idle(): boolean {
    return this.#state === STATE.IDLE;
  }

  touch(touch: Touch): void {
    if (!this.idle) throw new Error("touch() of a thread that is not idle");
    if (!(touch.bytes.buffer instanceof SharedArrayBuffer))
      throw new TypeError("Touch.bytes must be in a SharedArrayBuffer");
    if (touch.throughSystemCall && touch.access === "write")
      throw new TypeError("writes through a system call are not offered");
    // Properties in one order: code compiled for one shape of object is thrown away at the next.
    const { address, order, access, bytes, throughSystemCall } = touch;
    this.#worker.postMessage({ address, order, access, bytes, throughSystemCall } satisfies Touch);
    this.#command(STATE.BUSY);
  }

  /** Blocks without a limit: a thread asleep in a fault is waited for. */
  join(): TouchResult {
    this.#leaves(STATE.BUSY, Number.POSITIVE_INFINITY);
    this.#libc.read(this.finished, this.#eventCount, 8);
    return this.#shared.results;
  }

  /** Ends the thread, which must be idle. */
  end(): void {
    if (this.#state === STATE.ENDED) return;
    if (!this.idle) throw new Error("end() of a thread that is not idle");
    this.#command(STATE.ENDED);
    for (const fd of this.#descriptors) this.#libc.close(fd);
  }

  /** Blocks until the thread is not touching: false if it still is after `milliseconds`. */
  stops(milliseconds: number): boolean {
    return this.#leaves(STATE.BUSY, milliseconds);
  }

  /**
   * Ends a thread that does not stop; one asleep in a fault ends when it is woken. Its descriptors stay open: it may yet use them,
   * and their numbers must not be another file's by then.
   */
  terminate(): void {
    this.#command(STATE.ENDED);
    void this.#worker.terminate();
  }

  get #state(): number {
    return Atomics.load(this.#shared.state, 0);
  }

  #command(state: number): void {
    Atomics.store(this.#shared.state, 0, state);
    Atomics.notify(this.#shared.state, 0);
  }

  #leaves(state: number, milliseconds: number): boolean {
    const deadline = performance.now() + milliseconds;
    while (this.#state === state) {
      if (Atomics.wait(this.#shared.state, 0, state, deadline - performance.now()) === "timed-out")
        return false;
    }
    return true;
  }
}

function demand(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: ${errnoName(result)}`);
  return result;
}
