/**
 * What a LinuxThread and its worker say to each other. A touch is posted; its beginning, its end and its result are in shared
 * memory, so that both sides can wait blocking.
 */

// Touch and TouchResult are machine.ts's, said again, because imports point down.
export type Access = "read" | "write";

export interface Touch {
  readonly address: number;
  readonly order: Uint32Array;
  readonly access: Access;
  readonly bytes: Uint8Array;
  readonly throughSystemCall: boolean;
}

export interface TouchResult {
  readonly result: number;
  readonly nanoseconds: number;
  /** Seldom a few too many: V8's own (thread-worker.ts). */
  readonly faults: number;
}

/** Values of the state. The control thread moves it to BUSY and ENDED, the worker to IDLE. */
export const STATE = { STARTING: 0, IDLE: 1, BUSY: 2, ENDED: 3 } as const;

export class Shared {
  static readonly size = 32;

  /** One int32, to wait on. */
  readonly state: Int32Array;
  readonly #results: Float64Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.state = new Int32Array(memory, 0, 1);
    this.#results = new Float64Array(memory, 8, 3);
  }

  /** Of the last touch. */
  get results(): TouchResult {
    const [result, nanoseconds, faults] = this.#results;
    return { result: result!, nanoseconds: nanoseconds!, faults: faults! };
  }
  set results({ result, nanoseconds, faults }: TouchResult) {
    this.#results.set([result, nanoseconds, faults]);
  }
}

/** What a worker is started with. */
export interface ThreadData {
  readonly memory: SharedArrayBuffer;
  /** The eventfd it writes to when it has finished a touch. */
  readonly finished: number;
  /** The ends of a pipe of its own, O_NONBLOCK. */
  readonly from: number;
  readonly into: number;
}
