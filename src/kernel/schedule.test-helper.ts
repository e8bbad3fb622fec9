/**
 * Tasks moved by hand: a race is tested by forcing its schedule.
 */
import {
  MAP_PRIVATE,
  MAP_SHARED,
  MessageBuffer,
  O_NONBLOCK,
  PROT_READ,
  PROT_WRITE,
  readInt64,
  UFFD_API,
  UFFDIO_API,
  UFFDIO_CONTINUE,
  UFFDIO_COPY,
  UFFDIO_REGISTER,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  uffdioApi,
  uffdioContinue,
  uffdioCopy,
  uffdioRange,
  uffdioRegister,
} from "../abi/index.js";
import { ExecutableMachine } from "./executable-machine.js";
import type { Placement } from "./fault/fault-path.js";
import { type Folio, pteNone, ptePfn, ptePresent, type Vma } from "./memory/index.js";
import { inFault } from "./placements/index.js";
import type { NextTouch, Stoppable, Task } from "./tasks/index.js";
import type { UserfaultfdContext } from "./userfaultfd/index.js";

/** Small, so that a schedule is short: pages of 8 bytes, page tables of 4 entries. */
export const PAGE = 8;

export class Actor<T = unknown> {
  value: T | undefined;
  done = false;

  constructor(
    readonly task: Task,
    readonly program: Stoppable<T>,
  ) {}

  get next(): NextTouch | null {
    return this.task.next;
  }

  /** One step: the touch it has stopped before, and on to the next one. */
  step(): void {
    if (this.done || this.task.blocked) throw new Error(`${this.task.name} cannot go on`);
    const step = this.program.next();
    if (step.done) {
      this.done = true;
      this.value = step.value;
    }
  }

  get blocked(): boolean {
    return !this.done && this.task.blocked;
  }

  /** Until it has ended, or sleeps, or waits for a lock. */
  run(): "ended" | "blocked" {
    for (let steps = 0; !this.done && !this.blocked; steps++) {
      if (steps > 1000) throw new Error(`${this.task.name} goes round in circles`);
      this.step();
    }
    return this.done ? "ended" : "blocked";
  }

  /** Until it has stopped just before a touch, which must come. */
  runUntil(wanted: (next: NextTouch) => boolean, what = "the touch"): void {
    while (this.next === null || !wanted(this.next)) {
      if (this.done || this.blocked) throw new Error(`${this.task.name} does not come to ${what}`);
      this.step();
    }
  }
}

export interface OpenUserfaultfd {
  readonly fd: number;
}

/** A kernel with a program's memory, and actors on it. */
export class Stage {
  readonly machine: ExecutableMachine;

  constructor(placement: Placement = inFault, faultAroundPages = 1) {
    this.machine = new ExecutableMachine(
      {
        placement,
        memoryBytes: 1024 * PAGE,
        pageSize: PAGE,
        ptrsPerPte: 4,
        faultAroundBytes: faultAroundPages * PAGE,
      },
      () => 0,
    );
  }

  get process() {
    return this.machine.process;
  }
  get kernel() {
    return this.machine.kernel;
  }

  /** A shmem file of so many pages; those listed are in the page cache, filled with their byte. */
  file(pages: number, cached: Record<number, number> = {}): number {
    const fd = this.machine.memfdCreate("file");
    this.machine.ftruncate(fd, pages * PAGE);
    for (const [page, byte] of Object.entries(cached)) {
      this.machine.pwrite(fd, new Uint8Array(PAGE).fill(byte), Number(page) * PAGE);
    }
    return fd;
  }

  map(fd: number, pages: number, sharing: "shared" | "private" = "shared"): number {
    const flags = sharing === "shared" ? MAP_SHARED : MAP_PRIVATE;
    return this.machine.mmap(pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
  }

  /** Registered, with UFFDIO_REGISTER_MODE_*. */
  userfaultfd(address: number, pages: number, mode: number, features = 0): OpenUserfaultfd {
    const fd = this.machine.userfaultfd(O_NONBLOCK);
    const api = uffdioApi.allocate();
    uffdioApi.write(api, { api: UFFD_API, features });
    const register = uffdioRegister.allocate();
    uffdioRegister.write(register, { start: address, len: pages * PAGE, mode });
    const error =
      this.machine.ioctl(fd, UFFDIO_API, api) || this.machine.ioctl(fd, UFFDIO_REGISTER, register);
    if (error) throw new Error(`not registered: ${error}`);
    return { fd };
  }

  context(userfaultfd: OpenUserfaultfd): UserfaultfdContext {
    return this.process.userfaultfdContext(userfaultfd.fd)!;
  }

  vma(address: number): Vma {
    return this.process.mm.findVma(address)!;
  }

  actor<T>(name: string, program: (current: Task) => Stoppable<T>): Actor<T> {
    const task = this.kernel.newTask(name, true);
    return new Actor(task, program(task));
  }

  /** The byte it read, or minus a signal. */
  load(name: string, address: number): Actor<number> {
    const { process, kernel } = this;
    return this.actor(name, function* (current): Stoppable<number> {
      const at = yield* process.access(current, address, false, "user");
      return at < 0 ? at : kernel.memory.bytes[at]!;
    });
  }

  /** 0, or minus a signal. */
  store(name: string, address: number, byte: number): Actor<number> {
    const { process, kernel } = this;
    return this.actor(name, function* (current): Stoppable<number> {
      const at = yield* process.access(current, address, true, "user");
      if (at < 0) return at;
      kernel.memory.bytes[at] = byte;
      return 0;
    });
  }

  /** The result, and the out field. */
  continue(name: string, userfaultfd: OpenUserfaultfd, start: number, mode = 0): Actor<[number, number]> {
    const argument = uffdioContinue.allocate();
    uffdioContinue.write(argument, { start, len: PAGE, mode });
    return this.#fill(name, userfaultfd, UFFDIO_CONTINUE, argument, uffdioContinue.fields.mapped[0]);
  }

  copy(
    name: string,
    userfaultfd: OpenUserfaultfd,
    dst: number,
    src: number,
    mode = 0,
  ): Actor<[number, number]> {
    const argument = uffdioCopy.allocate();
    uffdioCopy.write(argument, { dst, src, len: PAGE, mode });
    return this.#fill(name, userfaultfd, UFFDIO_COPY, argument, uffdioCopy.fields.copy[0]);
  }

  #fill(name: string, userfaultfd: OpenUserfaultfd, request: number, argument: DataView, field: number) {
    const { process } = this;
    return this.actor(name, function* (current): Stoppable<[number, number]> {
      const result = yield* process.ioctl(current, userfaultfd.fd, request, argument);
      return [result, readInt64(argument, field)];
    });
  }

  wake(name: string, userfaultfd: OpenUserfaultfd, start: number, pages = 1): Actor<number> {
    return this.#range(name, userfaultfd, UFFDIO_WAKE, start, pages);
  }

  unregister(name: string, userfaultfd: OpenUserfaultfd, start: number, pages = 1): Actor<number> {
    return this.#range(name, userfaultfd, UFFDIO_UNREGISTER, start, pages);
  }

  #range(name: string, userfaultfd: OpenUserfaultfd, request: number, start: number, pages: number) {
    const { process } = this;
    const argument = uffdioRange.allocate();
    uffdioRange.write(argument, { start, len: pages * PAGE });
    return this.actor(name, (current) => process.ioctl(current, userfaultfd.fd, request, argument));
  }

  read(name: string, userfaultfd: OpenUserfaultfd, messages = new MessageBuffer(1)): Actor<number> {
    const { process } = this;
    return this.actor(name, (current) => process.read(current, userfaultfd.fd, messages));
  }

  punch(name: string, fd: number, page: number): Actor<number> {
    const { process } = this;
    return this.actor(name, (current) => process.fallocate(current, fd, 3, page * PAGE, PAGE));
  }

  truncate(name: string, fd: number, pages: number): Actor<number> {
    const { process } = this;
    return this.actor(name, (current) => process.ftruncate(current, fd, pages * PAGE));
  }

  close(name: string, userfaultfd: OpenUserfaultfd): Actor<number> {
    const { process } = this;
    return this.actor(name, (current) => process.close(current, userfaultfd.fd));
  }

  munmap(name: string, address: number, pages: number): Actor<number> {
    const { process } = this;
    return this.actor(name, (current) => process.munmap(current, address, pages * PAGE));
  }

  /**
   * What must hold whenever no task is inside the kernel: every reference is the page cache's or a page table's, every lock is
   * free, and no page table maps a page of a file that the file no longer has. Throws.
   */
  checkInvariants(): void {
    const { memory } = this.kernel;
    const { mm } = this.process;
    const mapped = new Map<Folio, number>();
    for (const vma of mm.vmasIn(0, Number.MAX_SAFE_INTEGER)) {
      assert(vma.readers === 0, "a VMA is read-locked");
      assert((vma.userfaultfdContext !== null) === (vma.flags & 0x11200) > 0, "a VMA is half registered");
      for (let at = vma.start; at < vma.end; at += PAGE) {
        const pte = mm.table(at)?.get(mm.pteIndex(at)) ?? 0;
        if (pteNone(pte)) continue;
        assert(ptePresent(pte), "an entry is neither none nor present");
        const folio = memory.folio(ptePfn(pte));
        if (folio === null) continue;
        mapped.set(folio, (mapped.get(folio) ?? 0) + 1);
        assert(folio.anon || folio.mapping !== null, "a page is mapped that is no longer in its file");
      }
    }
    assert(!mm.mmapLock.readLocked && mm.mmapLock.writer === null, "the mmap lock is held");
    const cached = new Set<Folio>();
    for (const fd of this.process.descriptors) {
      const inode = this.process.inode(fd);
      if (inode === null) continue;
      assert(inode.holePunch === null, "a hole is being punched");
      for (const folio of inode.mapping.pages) if (folio !== undefined) cached.add(folio);
    }
    for (const folio of new Set([...mapped.keys(), ...cached])) {
      assert(!folio.held, `folio ${folio.pfn} is locked`);
      const mapcount = mapped.get(folio) ?? 0;
      assert(
        folio.mapcount === mapcount,
        `folio ${folio.pfn} is mapped ${mapcount} times, and counts ${folio.mapcount}`,
      );
      const references = mapcount + (cached.has(folio) ? 1 : 0);
      assert(
        folio.refcount === references,
        `folio ${folio.pfn} has ${references} users, and counts ${folio.refcount}`,
      );
    }
    const users = new Set([...mapped.keys(), ...cached]).size;
    assert(memory.framesInUse === users, `${memory.framesInUse} frames are in use, by ${users} pages`);
  }
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
