import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  EAGAIN,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  type FieldType,
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  MessageBuffer,
  O_CLOEXEC,
  O_NONBLOCK,
  PROT_READ,
  PROT_WRITE,
  type Struct,
  UFFD_API,
  UFFD_EVENT,
  UFFD_FEATURE,
  UFFD_MSG_SIZE,
  UFFD_PAGEFAULT_FLAG_MINOR,
  UFFD_PAGEFAULT_FLAG_WRITE,
  UFFDIO_API,
  UFFDIO_CONTINUE,
  UFFDIO_CONTINUE_MODE_DONTWAKE,
  UFFDIO_COPY,
  UFFDIO_REGISTER,
  UFFDIO_REGISTER_MODE_MINOR,
  UFFDIO_REGISTER_MODE_MISSING,
  UFFDIO_UNREGISTER,
  UFFDIO_ZEROPAGE,
  uffdioApi,
  uffdioContinue,
  uffdioCopy,
  uffdioRange,
  uffdioRegister,
  uffdioZeropage,
  type Values,
} from "../abi/index.js";
import { LinuxMachine } from "./linux-machine.js";
import { whatLinuxOffers } from "./offers.js";
import type { LinuxThread } from "./thread.js";
import type { Access, TouchResult } from "./thread-protocol.js";

const { userfaultfd: offered, why, mend } = whatLinuxOffers();
const kernel = offered ? "the running kernel" : `the running kernel: SKIPPED, ${why}; ${mend}`;

/** A userfaultfd's ioctls, each with a new struct: what is made of it below the house's own class for them. */
class Uffd {
  constructor(
    readonly machine: LinuxMachine,
    readonly fd = machine.userfaultfd(O_CLOEXEC | O_NONBLOCK),
  ) {}
  /** The struct as the kernel left it, and what the call answered. */
  #call<F extends Record<string, readonly [number, FieldType]>>(
    request: number,
    struct: Struct<F>,
    values: Partial<Values<F>>,
  ) {
    const argument = struct.allocate();
    struct.write(argument, values);
    const result = this.machine.ioctl(this.fd, request, argument);
    return { result, ...struct.read(argument) };
  }
  api(features: number, api = UFFD_API) {
    return this.#call(UFFDIO_API, uffdioApi, { api, features });
  }
  register(start: number, len: number, mode: number) {
    return this.#call(UFFDIO_REGISTER, uffdioRegister, { start, len, mode });
  }
  unregister(start: number, len: number) {
    return this.#call(UFFDIO_UNREGISTER, uffdioRange, { start, len });
  }
  copy(dst: number, src: number, len: number) {
    return this.#call(UFFDIO_COPY, uffdioCopy, { dst, src, len });
  }
  zeropage(start: number, len: number) {
    return this.#call(UFFDIO_ZEROPAGE, uffdioZeropage, { start, len });
  }
  continue(start: number, len: number, mode = 0) {
    return this.#call(UFFDIO_CONTINUE, uffdioContinue, { start, len, mode });
  }
}

const PAGES = 8;
const RW = PROT_READ | PROT_WRITE;

describe.skipIf(!offered)(kernel, () => {
  let machine: LinuxMachine;
  let size: number;
  let length: number;
  const messages = new MessageBuffer(1);

  beforeEach(() => {
    machine = new LinuxMachine();
    size = machine.pageSize;
    length = PAGES * size;
  });
  afterEach(() => machine.shutdown());

  /** A memfd of PAGES pages, of which the first `filled` hold their index plus 1. */
  function file(filled: number): number {
    const fd = machine.memfdCreate("test");
    expect(machine.ftruncate(fd, length)).toBe(0);
    for (let page = 0; page < filled; page++)
      expect(machine.pwrite(fd, new Uint8Array(size).fill(page + 1), page * size)).toBe(size);
    return fd;
  }
  function map(fd: number, flags: number): number {
    const address = machine.mmap(length, RW, flags, fd, 0);
    expect(address).toBeGreaterThan(0);
    return address;
  }
  function userfaultfd(features: number): Uffd {
    const uffd = new Uffd(machine);
    expect(uffd.api(features).result).toBe(0);
    return uffd;
  }
  function sharedBytes(fill = 0): Uint8Array {
    return new Uint8Array(new SharedArrayBuffer(PAGES)).fill(fill);
  }
  function touch(
    thread: LinuxThread,
    address: number,
    order: readonly number[],
    access: Access,
    bytes: Uint8Array,
    throughSystemCall = false,
  ): void {
    thread.touch({ address, order: Uint32Array.from(order), access, bytes, throughSystemCall });
  }
  /** Hands every fault to `answer` until the thread has finished. */
  function serveAll(
    uffd: Uffd,
    thread: LinuxThread,
    answer: (page: number, flags: number) => void,
  ): TouchResult {
    const end = machine.serve(uffd.fd, thread, 5_000, () => {
      const read = machine.read(uffd.fd, messages);
      if (read === -EAGAIN) return;
      expect(read).toBe(UFFD_MSG_SIZE);
      expect(messages.event(0)).toBe(UFFD_EVENT.PAGEFAULT);
      answer(messages.address(0), messages.flags(0));
    });
    expect(end).toBe("finished");
    return thread.join();
  }

  const order = [3, 0, 7, 1, 2, 6, 5, 4];

  describe.each([
    { mapping: "shared", flags: MAP_SHARED },
    { mapping: "private", flags: MAP_PRIVATE },
  ])("MINOR, $mapping", ({ flags }) => {
    test.each([false, true])("reads, through a system call: %s", (throughSystemCall) => {
      const address = map(file(PAGES), flags);
      const uffd = userfaultfd(UFFD_FEATURE.MINOR_SHMEM);
      expect(uffd.register(address, length, UFFDIO_REGISTER_MODE_MINOR).result).toBe(0);
      const thread = machine.thread();
      const bytes = sharedBytes();
      touch(thread, address, order, "read", bytes, throughSystemCall);
      const served: number[] = [];
      const result = serveAll(uffd, thread, (page, flags) => {
        expect(flags).toBe(UFFD_PAGEFAULT_FLAG_MINOR);
        served.push((page - address) / size);
        expect(uffd.continue(page, size)).toMatchObject({ result: 0, mapped: size });
      });
      expect(served).toEqual(order);
      expect(Array.from(bytes)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(result.result).toBe(0);
      expect(result.faults).toBeGreaterThanOrEqual(PAGES);
      expect(result.nanoseconds).toBeGreaterThan(0);
    });

    test("writes", () => {
      const fd = file(PAGES);
      const address = map(fd, flags);
      const uffd = userfaultfd(UFFD_FEATURE.MINOR_SHMEM);
      expect(uffd.register(address, length, UFFDIO_REGISTER_MODE_MINOR).result).toBe(0);
      const thread = machine.thread();
      touch(thread, address, order, "write", sharedBytes(0xaa));
      const { result } = serveAll(uffd, thread, (page, flags) => {
        expect(flags).toBe(UFFD_PAGEFAULT_FLAG_MINOR | UFFD_PAGEFAULT_FLAG_WRITE);
        expect(uffd.continue(page, size).result).toBe(0);
      });
      expect(result).toBe(0);
      const inFile = new Uint8Array(length);
      expect(machine.pread(fd, inFile, 0)).toBe(length);
      const firstBytes = Array.from({ length: PAGES }, (_, page) => inFile[page * size]);
      expect(firstBytes).toEqual(
        flags === MAP_SHARED ? new Array(PAGES).fill(0xaa) : [1, 2, 3, 4, 5, 6, 7, 8],
      );
      const inMemory = new Uint8Array(length);
      expect(uffd.unregister(address, length).result).toBe(0);
      machine.readMemory(address, inMemory);
      expect(inMemory[3 * size]).toBe(0xaa);
      expect(inMemory[3 * size + 1]).toBe(4);
    });
  });

  test("MISSING, COPY; then EEXIST", () => {
    const address = map(file(0), MAP_SHARED);
    const source = machine.mmap(length, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uffd = userfaultfd(UFFD_FEATURE.MISSING_SHMEM);
    expect(uffd.register(address, length, UFFDIO_REGISTER_MODE_MISSING).result).toBe(0);
    const thread = machine.thread();
    const bytes = sharedBytes(0x55);
    touch(thread, source, order, "write", bytes);
    expect(thread.join().result).toBe(0);
    bytes.fill(0);
    touch(thread, address, order, "read", bytes);
    const { result } = serveAll(uffd, thread, (page, flags) => {
      expect(flags).toBe(0);
      const { result, copy } = uffd.copy(page, source + page - address, size);
      expect({ result, copy }).toEqual({ result: 0, copy: size });
    });
    expect(result).toBe(0);
    expect(Array.from(bytes)).toEqual(new Array(PAGES).fill(0x55));

    expect(uffd.copy(address, source, size)).toMatchObject({ result: -EEXIST, copy: -EEXIST });
  });

  test("a partial COPY answers EAGAIN, and its out field how far it came", () => {
    const fd = machine.memfdCreate("partial");
    machine.ftruncate(fd, length);
    const address = map(fd, MAP_SHARED);
    const source = machine.mmap(length, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uffd = userfaultfd(UFFD_FEATURE.MISSING_SHMEM);
    expect(uffd.register(address, length, UFFDIO_REGISTER_MODE_MISSING).result).toBe(0);
    expect(uffd.copy(address + 2 * size, source, size).result).toBe(0);
    expect(uffd.copy(address, source, 4 * size)).toMatchObject({ result: -EAGAIN, copy: 2 * size });
  });

  test("errnos are the kernel's", () => {
    expect(machine.close(-1)).toBe(-EBADF);
    expect(machine.ftruncate(-1, 0)).toBe(-EBADF);
    expect(machine.ioctl(-1, 0, new DataView(new ArrayBuffer(8)))).toBe(-EBADF);
    expect(machine.userfaultfd(0x40)).toBe(-EINVAL);
    expect(machine.mmap(0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)).toBe(-EINVAL);
    expect(machine.munmap(1, size)).toBe(-EINVAL);
    const uffd = new Uffd(machine);
    expect(machine.read(uffd.fd, messages)).toBe(-EINVAL);
    expect(uffd.api(0, 0xbb).result).toBe(-EINVAL);
    expect(uffd.api(0)).toMatchObject({ result: 0, api: UFFD_API });
    expect(machine.read(uffd.fd, messages)).toBe(-EAGAIN);
    expect(uffd.register(size, 0, UFFDIO_REGISTER_MODE_MISSING).result).toBe(-EINVAL);
  });

  test("past the end of the file a system call answers EFAULT, and there is no message", () => {
    const fd = file(PAGES);
    const address = map(fd, MAP_SHARED);
    expect(machine.ftruncate(fd, 2 * size)).toBe(0);
    const uffd = userfaultfd(UFFD_FEATURE.MINOR_SHMEM | UFFD_FEATURE.MISSING_SHMEM);
    const mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR;
    expect(uffd.register(address, length, mode).result).toBe(0);
    const thread = machine.thread();
    const bytes = sharedBytes();
    touch(thread, address, [1, 5, 0], "read", bytes, true);
    let served = 0;
    const { result } = serveAll(uffd, thread, (page) => {
      served++;
      expect(page).toBe(address + size);
      expect(uffd.continue(page, size).result).toBe(0);
    });
    expect(result).toBe(-EFAULT);
    expect(served).toBe(1);
    expect(Array.from(bytes)).toEqual([0, 2, 0, 0, 0, 0, 0, 0]);
  });

  test("a page punched out of the file is gone from the mapping; one dropped from it is MINOR again", () => {
    const fd = file(PAGES);
    const address = map(fd, MAP_SHARED);
    const uffd = userfaultfd(UFFD_FEATURE.MINOR_SHMEM | UFFD_FEATURE.MISSING_SHMEM);
    const mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR;
    expect(uffd.register(address, length, mode).result).toBe(0);
    expect(uffd.continue(address, 2 * size, UFFDIO_CONTINUE_MODE_DONTWAKE).result).toBe(0);
    expect(machine.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size)).toBe(0);
    expect(machine.madvise(address + size, size, MADV_DONTNEED)).toBe(0);
    const thread = machine.thread();
    touch(thread, address, [0, 1], "read", sharedBytes());
    const seen: number[] = [];
    serveAll(uffd, thread, (page, flags) => {
      seen.push(flags);
      if (flags === 0) expect(uffd.zeropage(page, size).result).toBe(0);
      else expect(uffd.continue(page, size).result).toBe(0);
    });
    expect(seen).toEqual([0, UFFD_PAGEFAULT_FLAG_MINOR]);
  });

  test.each([
    { access: "read", throughSystemCall: false },
    { access: "read", throughSystemCall: true },
    { access: "write", throughSystemCall: false },
  ] as const)("faults are counted: $access, through a system call: $throughSystemCall", (how) => {
    const address = machine.mmap(length, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const thread = machine.thread();
    const faults = () => {
      touch(thread, address, order, how.access, sharedBytes(1), how.throughSystemCall);
      return thread.join().faults;
    };
    // The least of several, since V8 may add some of its own.
    const there: number[] = [];
    const absent: number[] = [];
    for (let round = 0; round < 5; round++) {
      expect(machine.madvise(address, length, MADV_DONTNEED)).toBe(0);
      absent.push(faults());
      there.push(faults());
    }
    expect(Math.min(...absent)).toBe(PAGES);
    expect(Math.min(...there)).toBe(0);
  });

  test("a mapping of more than 4 GiB is reached to its end", () => {
    const pages = (5 * 2 ** 30) / size;
    const fd = machine.memfdCreate("large");
    expect(machine.ftruncate(fd, pages * size)).toBe(0);
    expect(machine.pwrite(fd, Uint8Array.of(42), (pages - 1) * size)).toBe(1);
    const address = machine.mmap(pages * size, RW, MAP_SHARED, fd, 0);
    const thread = machine.thread();
    const bytes = new Uint8Array(new SharedArrayBuffer(pages));
    thread.touch({
      address,
      order: Uint32Array.of(pages - 1),
      access: "read",
      bytes,
      throughSystemCall: false,
    });
    expect(thread.join().result).toBe(0);
    expect(bytes[pages - 1]).toBe(42);
  });

  test("a userfaultfd that the handler closes frees the thread", () => {
    const address = map(file(0), MAP_SHARED);
    const uffd = userfaultfd(UFFD_FEATURE.MISSING_SHMEM);
    expect(uffd.register(address, length, UFFDIO_REGISTER_MODE_MISSING).result).toBe(0);
    const thread = machine.thread();
    touch(thread, address, order, "read", sharedBytes());
    let served = 0;
    const { result } = serveAll(uffd, thread, () => {
      served++;
      expect(machine.close(uffd.fd)).toBe(0);
    });
    expect({ result, served }).toEqual({ result: 0, served: 1 });
  });

  test("serve() of a blocking userfaultfd says so instead of waiting", () => {
    const uffd = new Uffd(machine, machine.userfaultfd(O_CLOEXEC));
    expect(uffd.api(0).result).toBe(0);
    const thread = machine.thread();
    expect(() => machine.serve(uffd.fd, thread, 1_000, () => {})).toThrow(/poll\(\) answers/);
  });

  test("shutdown() frees threads asleep in a fault, and leaves neither thread nor descriptor nor mapping", async () => {
    /** One thread asleep in a MINOR fault, one in a MISSING one. */
    const cycle = () => {
      const machine = new LinuxMachine();
      try {
        const fd = machine.memfdCreate("asleep");
        machine.ftruncate(fd, length);
        machine.pwrite(fd, Uint8Array.of(1), 0);
        const address = machine.mmap(length, RW, MAP_SHARED, fd, 0);
        const uffd = new Uffd(machine);
        uffd.api(0);
        uffd.register(address, length, UFFDIO_REGISTER_MODE_MINOR | UFFDIO_REGISTER_MODE_MISSING);
        for (const page of [0, 1]) {
          const thread = machine.thread();
          touch(thread, address, [page], "read", sharedBytes());
          let read = 0;
          const handler = () => {
            if (machine.read(uffd.fd, messages) > 0) read++;
          };
          expect(machine.serve(uffd.fd, thread, 200, handler)).toBe("stuck");
          expect(read).toBe(1);
        }
        // What a handler that fails does.
        throw new Error("handler");
      } catch (error) {
        expect(String(error)).toBe("Error: handler");
      } finally {
        machine.shutdown();
      }
    };
    const count = () => ({
      threads: readdirSync("/proc/self/task").length,
      descriptors: readdirSync("/proc/self/fd").length,
    });
    const settled = async (previous?: ReturnType<typeof count>) => {
      // A worker's thread and descriptors go when this thread's event loop has joined it.
      let now = count();
      for (let tries = 0; tries < 50; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const next = count();
        const same = next.threads === now.threads && next.descriptors === now.descriptors;
        now = next;
        if (
          same &&
          (!previous || (now.threads <= previous.threads && now.descriptors <= previous.descriptors))
        )
          break;
      }
      return now;
    };
    cycle();
    const before = await settled();
    cycle();
    cycle();
    expect(await settled(before)).toEqual(before);
  });
});

describe.skipIf(!offered)(`a process on ${kernel}`, () => {
  interface Ending {
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
    /** Since its first line. */
    readonly milliseconds: number;
  }

  /** Runs a module; `signal` is sent when it has printed something. */
  function run(program: string, signal?: NodeJS.Signals): Promise<Ending> {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const limit = setTimeout(() => child.kill("SIGKILL"), 15_000);
    let stdout = "";
    let stderr = "";
    let start = performance.now();
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout === "") {
        start = performance.now();
        if (signal) child.kill(signal);
      }
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    return new Promise((resolve) => {
      child.on("close", (code, ended) => {
        clearTimeout(limit);
        resolve({ code, signal: ended, stdout, stderr, milliseconds: performance.now() - start });
      });
    });
  }

  const door = JSON.stringify(new URL("./index.js", import.meta.url).href);

  /** A thread falls asleep in a fault; then the program prints a line, and does the rest. */
  const asleep = (rest: string) => `
    import { LinuxMachine } from ${door};
    const machine = new LinuxMachine();
    const size = machine.pageSize;
    const fd = machine.memfdCreate("asleep");
    machine.ftruncate(fd, size);
    const address = machine.mmap(size, ${RW}, ${MAP_SHARED}, fd, 0);
    const uffd = machine.userfaultfd(${O_CLOEXEC | O_NONBLOCK});
    const ioctl = (request, ...words) => {
      if (machine.ioctl(uffd, request, new DataView(new BigUint64Array(words.map(BigInt)).buffer)) < 0)
        throw new Error(request);
    };
    ioctl(${UFFDIO_API}, ${UFFD_API}, 0, 0);
    ioctl(${UFFDIO_REGISTER}, address, size, ${UFFDIO_REGISTER_MODE_MISSING}, 0);
    const thread = machine.thread();
    const bytes = new Uint8Array(new SharedArrayBuffer(1));
    thread.touch({ address, order: Uint32Array.of(0), access: "read", bytes, throughSystemCall: false });
    const messages = { bytes: new Uint8Array(${UFFD_MSG_SIZE}) };
    machine.serve(uffd, thread, 60000, () => {
      if (machine.read(uffd, messages) < 0) return;
      console.log("asleep");
      ${rest}
    });`;

  test("ends at SIGINT while a thread sleeps in a fault", async () => {
    const ending = await run(asleep(""), "SIGINT");
    expect(ending).toMatchObject({ stdout: "asleep\n", stderr: "", signal: "SIGINT" });
    expect(ending.milliseconds).toBeLessThan(2_000);
  });

  test("ends when its handler throws and nobody shuts down", async () => {
    const ending = await run(asleep('throw new Error("handler");'));
    expect(ending).toMatchObject({ stdout: "asleep\n", code: 1 });
    expect(ending.stderr).toContain("Error: handler");
    expect(ending.milliseconds).toBeLessThan(5_000);
  });

  test("ends by itself with a thread idle", async () => {
    const ending = await run(
      `import { LinuxMachine } from ${door}; new LinuxMachine().thread(); console.log("idle");`,
    );
    expect(ending).toMatchObject({ stdout: "idle\n", stderr: "", code: 0 });
    expect(ending.milliseconds).toBeLessThan(5_000);
  });
});
