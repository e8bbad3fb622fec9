/**
 * One scenario on one machine: the same calls on the executable kernel and on the running one.
 */
import {
  EAGAIN,
  errnoName,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MessageBuffer,
  O_CLOEXEC,
  O_NONBLOCK,
  PROT_READ,
  PROT_WRITE,
  UFFD_EVENT,
  UFFD_PAGEFAULT_FLAG_MINOR,
} from "../abi/index.js";
import { type Machine, type Thread, type TouchResult, Userfaultfd } from "../machine/index.js";
import { type Expected, isCached, isCopied } from "./content.js";
import type { Scenario, Sharing } from "./scenarios.js";

export interface Round {
  readonly touch: TouchResult;
  readonly missingMessages: number;
  readonly minorMessages: number;
  readonly verified: boolean;
}

/** How long nothing may happen before a run on the running kernel is given up. */
export const STUCK_MILLISECONDS = 10_000;

/** A cell of the table being filled: a file on a machine, mapped anew in each round. */
export class ScenarioRun {
  readonly #pages: number;
  readonly #fd: number;
  /** Where COPY takes its pages from; -1 where nothing is copied. */
  readonly #source: number;
  readonly #sourceFd: number;
  readonly #messages = new MessageBuffer(64);
  readonly #bytes: Uint8Array;

  constructor(
    readonly machine: Machine,
    /** Idle; touches the memory. */
    readonly thread: Thread,
    readonly scenario: Scenario,
    readonly sharing: Sharing,
    readonly expected: Expected,
  ) {
    const { content } = expected;
    this.#pages = content.length / machine.pageSize;
    this.#bytes = new Uint8Array(new SharedArrayBuffer(this.#pages));
    this.#fd = check(machine.memfdCreate("memory"), "memfd_create");
    check(machine.ftruncate(this.#fd, content.length), "ftruncate");
    this.#populate();
    if (isCopied(scenario)) {
      this.#sourceFd = check(machine.memfdCreate("source"), "memfd_create");
      check(machine.pwrite(this.#sourceFd, content, 0), "pwrite");
      this.#source = check(
        machine.mmap(content.length, PROT_READ, MAP_SHARED | MAP_POPULATE, this.#sourceFd, 0),
        "mmap",
      );
    } else {
      this.#sourceFd = -1;
      this.#source = -1;
    }
  }

  /** Fills the page cache as the scenario has it: what is not cached is absent. */
  #populate(): void {
    const { machine, scenario } = this;
    const { content } = this.expected;
    if (scenario.cached === "all") {
      check(machine.pwrite(this.#fd, content, 0), "pwrite");
      return;
    }
    check(
      machine.fallocate(this.#fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, content.length),
      "fallocate",
    );
    if (scenario.cached === "none") return;
    const { pageSize } = machine;
    for (let page = 0; page < this.#pages; page++) {
      if (!isCached(scenario, page)) continue;
      const at = page * pageSize;
      check(machine.pwrite(this.#fd, content.subarray(at, at + pageSize), at), "pwrite");
    }
  }

  /**
   * Maps, registers, touches each page of `order` once, serves. Only the touching is timed; `before` and `after` are called around it. What
   * the touches saw and which messages came is always checked, every byte of the memory if `everyByte`, for which every page
   * has to be touched. The expected content is
   * prepared for the round.
   */
  round(order: Uint32Array, everyByte: boolean, before: () => void, after: () => void): Round {
    const { machine, scenario, expected } = this;
    const { access, content } = expected;
    // What is copied into a private mapping is not in the file: that is as it was.
    if (scenario.cached !== "all" && !(this.sharing === "private" && isCopied(scenario))) this.#populate();
    const length = content.length;
    const flags = this.sharing === "shared" ? MAP_SHARED : MAP_PRIVATE;
    const address = check(machine.mmap(length, PROT_READ | PROT_WRITE, flags, this.#fd, 0), "mmap");
    const userfaultfd = scenario.mode === 0 ? null : register(machine, address, length, scenario.mode);

    if (access === "write") this.#bytes.set(expected.touched);
    else this.#bytes.fill(0);
    before();
    this.thread.touch({ address, order, access, bytes: this.#bytes, throughSystemCall: false });
    const served = userfaultfd === null ? NOTHING_SERVED : this.#serve(userfaultfd, address);
    const touch = this.thread.join();
    after();

    if (userfaultfd !== null) check(userfaultfd.close(), "close");
    const verified =
      touch.result === 0 &&
      order.every((page) => this.#bytes[page] === expected.touched[page]) &&
      (!everyByte || this.#everyByteIsRight(address));
    check(machine.munmap(address, length), "munmap");
    return { touch, ...served, verified };
  }

  #serve(userfaultfd: Userfaultfd, address: number): Served {
    const { machine, scenario } = this;
    const served = { missingMessages: 0, minorMessages: 0 };
    const end = machine.serve(userfaultfd.fd, this.thread, STUCK_MILLISECONDS, () =>
      this.#answer(userfaultfd, address, served),
    );
    if (end === "stuck") throw new Error(`${scenario.name}: a thread sleeps, and there is no message`);
    return served;
  }

  /** The handler: answers each message by its kind, one page at a time. */
  #answer(userfaultfd: Userfaultfd, address: number, served: Served): void {
    const { pageSize } = this.machine;
    const messages = this.#messages;
    const count = userfaultfd.read(messages);
    if (count === -EAGAIN) return;
    check(count, "read");
    for (let message = 0; message < count; message++) {
      if (messages.event(message) !== UFFD_EVENT.PAGEFAULT) {
        throw new Error(`message 0x${messages.event(message).toString(16)} was not asked for`);
      }
      const page = messages.address(message);
      if (messages.flags(message) & UFFD_PAGEFAULT_FLAG_MINOR) {
        served.minorMessages++;
        check(userfaultfd.continue(page, pageSize), "UFFDIO_CONTINUE");
      } else {
        served.missingMessages++;
        check(userfaultfd.copy(page, this.#source + (page - address), pageSize), "UFFDIO_COPY");
      }
    }
  }

  #everyByteIsRight(address: number): boolean {
    const { memory, file, scratch } = this.expected;
    this.machine.readMemory(address, scratch);
    if (Buffer.compare(scratch, memory) !== 0) return false;
    if (file === null) return true;
    check(this.machine.pread(this.#fd, scratch, 0), "pread");
    return Buffer.compare(scratch, file) === 0;
  }

  end(): void {
    const { machine } = this;
    if (this.#source !== -1) {
      check(machine.munmap(this.#source, this.expected.content.length), "munmap");
      check(machine.close(this.#sourceFd), "close");
    }
    check(machine.close(this.#fd), "close");
  }
}

interface Served {
  missingMessages: number;
  minorMessages: number;
}
const NOTHING_SERVED: Readonly<Served> = { missingMessages: 0, minorMessages: 0 };

/** A new userfaultfd with a range registered. */
export function register(machine: Machine, address: number, length: number, mode: number): Userfaultfd {
  const userfaultfd = new Userfaultfd(
    machine,
    check(machine.userfaultfd(O_CLOEXEC | O_NONBLOCK), "userfaultfd"),
  );
  check(userfaultfd.api(0), "UFFDIO_API");
  check(userfaultfd.register(address, length, mode), "UFFDIO_REGISTER");
  return userfaultfd;
}

/** A call that has to succeed here. */
export function check(result: number, call: string): number {
  if (result < 0) throw new Error(`${call} answered ${errnoName(result)}`);
  return result;
}
