import { describe, expect, test } from "vitest";
import {
  EAGAIN,
  EEXIST,
  EFAULT,
  MADV_DONTNEED,
  SIGBUS,
  UFFDIO_REGISTER_MODE_MINOR,
  UFFDIO_REGISTER_MODE_MISSING,
} from "../../abi/index.js";
import { PAGE, Stage } from "../schedule.test-helper.js";

describe("two faults on one page", () => {
  test("of a file: the second finds it mapped, and drops what it holds", () => {
    const stage = new Stage();
    const fd = stage.file(1, { 0: 7 });
    const address = stage.map(fd, 1);
    const first = stage.load("first", address);
    const folio = stage.process.inode(fd)!.mapping.pages[0]!;
    first.runUntil(({ object }) => object === folio, "the folio lock");
    const second = stage.load("second", address);
    second.runUntil(({ object }) => object === folio, "the folio lock");
    expect(first.run()).toBe("ended");
    expect(second.run()).toBe("ended");
    expect([first.value, second.value]).toEqual([7, 7]);
    stage.checkInvariants();
  });

  test("that is absent: one allocates, the other takes what is there", () => {
    const stage = new Stage();
    const fd = stage.file(1);
    const address = stage.map(fd, 1);
    const mapping = stage.process.inode(fd)!.mapping;
    const first = stage.load("first", address);
    first.runUntil(({ object, kind }) => object === mapping && kind === "write", "adding to the page cache");
    const second = stage.load("second", address);
    expect(second.run()).toBe("ended");
    expect(first.run()).toBe("ended");
    expect(stage.kernel.ledger.allocationsThrownAway).toBe(2);
    stage.checkInvariants();
  });

  test("of anonymous memory: one page is thrown away, no store is lost", () => {
    const stage = new Stage();
    const address = stage.machine.mmap(PAGE, 3, 0x22, -1, 0);
    const first = stage.store("first", address, 1);
    const second = stage.store("second", address + 1, 2);
    const table = () => stage.process.mm.table(address);
    first.runUntil(({ object }) => table() !== null && object === table()?.lock, "the page-table lock");
    second.runUntil(({ object }) => object === table()?.lock, "the page-table lock");
    second.run();
    first.run();
    const seen = new Uint8Array(2);
    stage.machine.readMemory(address, seen);
    expect([...seen]).toEqual([1, 2]);
    stage.checkInvariants();
  });

  test("writes to a private mapping: one copy, no store is lost", () => {
    const stage = new Stage();
    const fd = stage.file(1, { 0: 9 });
    const address = stage.map(fd, 1, "private");
    stage.load("reader", address).run();
    const first = stage.store("first", address, 1);
    const second = stage.store("second", address + 1, 2);
    const { lock } = stage.process.mm.table(address)!;
    for (const actor of [first, second]) {
      // The first time to see that the page is read-only, the second time to put the copy in.
      actor.runUntil(({ object }) => object === lock);
      actor.step();
      actor.runUntil(({ object }) => object === lock);
    }
    second.run();
    first.run();
    const seen = new Uint8Array(3);
    stage.machine.readMemory(address, seen);
    expect([...seen]).toEqual([1, 2, 9]);
    stage.machine.pread(fd, seen, 0);
    expect([...seen]).toEqual([9, 9, 9]);
    stage.checkInvariants();
  });
});

describe("a page that leaves its file while a fault is on the way to it", () => {
  test("before the fault has locked it: the fault looks again, and makes a new one", () => {
    const stage = new Stage();
    const fd = stage.file(1, { 0: 7 });
    const address = stage.map(fd, 1);
    const folio = stage.process.inode(fd)!.mapping.pages[0]!;
    const reader = stage.load("reader", address);
    reader.runUntil(({ object }) => object === folio, "the folio lock");
    expect(stage.punch("puncher", fd, 0).run()).toBe("ended");
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0);
    stage.checkInvariants();
  });

  test("after it has been locked: the punch waits, and takes it out of the page table too", () => {
    const stage = new Stage();
    const fd = stage.file(1, { 0: 7 });
    const address = stage.map(fd, 1);
    const reader = stage.load("reader", address);
    reader.runUntil(({ object, kind }) => object === stage.process.mm && kind === "write", "finish_fault()");
    const puncher = stage.punch("puncher", fd, 0);
    expect(puncher.run()).toBe("blocked");
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(7);
    expect(puncher.run()).toBe("ended");
    expect(stage.process.mm.translate(address, false)).toBe(-1);
    stage.checkInvariants();
  });

  test("a fault in a hole that is being punched waits for the punch, without its lock", () => {
    const stage = new Stage();
    const fd = stage.file(2, { 0: 7 });
    const address = stage.map(fd, 2);
    const folio = stage.process.inode(fd)!.mapping.pages[0]!;
    const puncher = stage.punch("puncher", fd, 0);
    puncher.runUntil(({ object }) => object === folio, "the folio lock");
    const reader = stage.load("reader", address);
    expect(reader.run()).toBe("blocked");
    expect(stage.vma(address).readers).toBe(0);
    const other = stage.load("other", address + PAGE);
    expect(other.run()).toBe("ended");
    expect(puncher.run()).toBe("ended");
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0);
    stage.checkInvariants();
  });

  test("an absent page of a file that is truncated before it is in use: SIGBUS, and no page past the end", () => {
    const stage = new Stage();
    const fd = stage.file(2);
    const address = stage.map(fd, 2);
    const { mapping } = stage.process.inode(fd)!;
    const reader = stage.load("reader", address + PAGE);
    reader.runUntil(({ object, kind }) => object === mapping && kind === "write", "adding to the page cache");
    expect(stage.truncate("truncater", fd, 1).run()).toBe("ended");
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(-SIGBUS);
    expect(mapping.pages[1]).toBe(undefined);
    stage.checkInvariants();
  });
});

test("a private copy that a fault makes while its file is truncated goes with the rest", () => {
  const stage = new Stage();
  const fd = stage.file(1, { 0: 7 });
  const address = stage.map(fd, 1, "private");
  const writer = stage.store("writer", address, 1);
  const folio = stage.process.inode(fd)!.mapping.pages[0]!;
  writer.runUntil(({ object }) => object === folio, "the folio lock");
  writer.runUntil(({ object, kind }) => object === stage.process.mm && kind === "write", "finish_fault()");
  const truncater = stage.truncate("truncater", fd, 0);
  expect(truncater.run()).toBe("blocked");
  expect(writer.run()).toBe("ended");
  expect(truncater.run()).toBe("ended");
  expect(stage.process.mm.translate(address, false)).toBe(-1);
  stage.checkInvariants();
});

test("a VMA that is split between finding and locking it is not taken for the other half", () => {
  const stage = new Stage();
  const fd = stage.file(2, { 1: 7 });
  const address = stage.map(fd, 2);
  const userfaultfd = stage.userfaultfd(address, 2, UFFDIO_REGISTER_MODE_MINOR);
  const reader = stage.load("reader", address + PAGE);
  reader.runUntil(({ object }) => object === stage.vma(address), "the VMA lock");
  expect(stage.unregister("unregister", userfaultfd, address + PAGE).run()).toBe("ended");
  // The second page is not registered any more.
  expect(reader.run()).toBe("ended");
  expect(reader.value).toBe(7);
});

test("a fault that slept once counts as minor, one that slept again under the mmap lock as major", () => {
  const stage = new Stage();
  const fd = stage.file(1, { 0: 7 });
  const address = stage.map(fd, 1);
  const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MINOR);
  const counted = (wakes: number) => {
    const reader = stage.load("reader", address);
    for (let wake = 0; wake < wakes; wake++) {
      expect(reader.run()).toBe("blocked");
      stage.wake("waker", userfaultfd, address).run();
    }
    expect(reader.run()).toBe("blocked");
    stage.continue("handler", userfaultfd, address).run();
    expect(reader.run()).toBe("ended");
    stage.machine.madvise(address, PAGE, MADV_DONTNEED);
    return [reader.task.minorFaults, reader.task.majorFaults];
  };
  expect(counted(0)).toEqual([1, 0]);
  expect(counted(1)).toEqual([0, 1]);
});

describe("COPY and CONTINUE meet others", () => {
  test("COPY finds that a page has come into the file since its fault was raised: EEXIST", () => {
    const stage = new Stage();
    const fd = stage.file(1);
    const source = stage.map(stage.file(1, { 0: 5 }), 1);
    stage.load("populate", source).run();
    const address = stage.map(fd, 1);
    const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MISSING);
    const { mapping } = stage.process.inode(fd)!;
    const copy = stage.copy("copier", userfaultfd, address, source);
    copy.runUntil(({ object, kind }) => object === mapping && kind === "write", "adding to the page cache");
    stage.machine.pwrite(fd, new Uint8Array(PAGE).fill(6), 0);
    copy.run();
    expect(copy.value).toEqual([-EEXIST, -EEXIST]);
    stage.checkInvariants();
  });

  test("two COPYs of one page: one wins, the other gets EEXIST", () => {
    const stage = new Stage();
    const fd = stage.file(1);
    const source = stage.map(stage.file(1, { 0: 5 }), 1);
    stage.load("populate", source).run();
    const address = stage.map(fd, 1);
    const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MISSING);
    const first = stage.copy("first", userfaultfd, address, source);
    first.runUntil(({ object }) => object === stage.process.mm.table(address)?.lock, "the page-table lock");
    const second = stage.copy("second", userfaultfd, address, source);
    second.run();
    first.run();
    expect([first.value, second.value]).toEqual([
      [0, PAGE],
      [-EEXIST, -EEXIST],
    ]);
    stage.checkInvariants();
  });

  test("a page is punched after its MINOR message: CONTINUE answers EFAULT, and the thread, woken, gets zeros", () => {
    const stage = new Stage();
    const fd = stage.file(1, { 0: 7 });
    const address = stage.map(fd, 1);
    const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MINOR);
    const reader = stage.load("reader", address);
    expect(reader.run()).toBe("blocked");
    stage.punch("puncher", fd, 0).run();
    const handler = stage.continue("handler", userfaultfd, address);
    handler.run();
    expect(handler.value).toEqual([-EFAULT, -EFAULT]);
    stage.wake("waker", userfaultfd, address).run();
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0);
    stage.checkInvariants();
  });

  test("a punch while CONTINUE holds the page locked waits, and then unmaps it", () => {
    const stage = new Stage();
    const fd = stage.file(1, { 0: 7 });
    const address = stage.map(fd, 1);
    const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MINOR);
    const handler = stage.continue("handler", userfaultfd, address);
    handler.runUntil(({ object }) => object === stage.process.mm.table(address)?.lock, "the page-table lock");
    const puncher = stage.punch("puncher", fd, 0);
    expect(puncher.run()).toBe("blocked");
    handler.run();
    expect(handler.value).toEqual([0, PAGE]);
    expect(puncher.run()).toBe("ended");
    expect(stage.process.mm.translate(address, false)).toBe(-1);
    stage.checkInvariants();
  });

  test("the destination is unmapped while COPY takes a fault on its source: ENOENT or EAGAIN, and no page is lost", () => {
    const stage = new Stage();
    const source = stage.map(stage.file(1, { 0: 5 }), 1);
    const address = stage.map(stage.file(1), 1);
    const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MISSING);
    const copy = stage.copy("copier", userfaultfd, address, source);
    // The source is not mapped: COPY has dropped all locks when it takes that fault, under the mmap lock.
    copy.runUntil(({ object }) => object === stage.process.mm.mmapLock, "the fault on the source");
    expect(stage.vma(address).readers).toBe(0);
    stage.munmap("unmapper", address, 1).run();
    copy.run();
    expect(copy.value![0]).toBeLessThan(0);
    expect(copy.value![0]).not.toBe(-EAGAIN);
    stage.checkInvariants();
  });
});

test("a fault that a writer keeps off the VMA lock waits for the mmap lock", () => {
  const stage = new Stage();
  const fd = stage.file(2, { 0: 7, 1: 8 });
  const address = stage.map(fd, 2);
  const slow = stage.load("slow", address);
  const folio = stage.process.inode(fd)!.mapping.pages[0]!;
  slow.runUntil(({ object }) => object === folio, "the folio lock");
  const unmapper = stage.munmap("unmapper", address, 1);
  expect(unmapper.run()).toBe("blocked");
  const reader = stage.load("reader", address + PAGE);
  expect(reader.run()).toBe("blocked");
  slow.run();
  expect(unmapper.run()).toBe("ended");
  expect(reader.run()).toBe("ended");
  expect(reader.value).toBe(8);
  stage.checkInvariants();
});

describe("fault-around", () => {
  test("maps its window of the page cache, and no page that is absent", () => {
    const stage = new Stage(undefined, 4);
    const address = stage.map(stage.file(4, { 0: 1, 1: 2, 3: 4 }), 4);
    stage.load("reader", address + PAGE).run();
    expect([0, 1, 2, 3].map((page) => stage.process.mm.translate(address + page * PAGE, false) >= 0)).toEqual(
      [true, true, false, true],
    );
    stage.checkInvariants();
  });

  test("ends with the page table, where its mapping begins in the middle of one", () => {
    const stage = new Stage(undefined, 4);
    stage.machine.mmap(2 * PAGE, 3, 0x22, -1, 0);
    const address = stage.map(stage.file(4, { 0: 1, 1: 2, 2: 3, 3: 4 }), 4);
    expect(stage.process.mm.pteIndex(address)).toBe(3);
    stage.load("reader", address).run();
    expect([0, 1].map((page) => stage.process.mm.translate(address + page * PAGE, false) >= 0)).toEqual([
      true,
      false,
    ]);
    stage.checkInvariants();
  });

  test("passes over a page that somebody has locked, without waiting", () => {
    const stage = new Stage(undefined, 4);
    const fd = stage.file(4, { 0: 1, 1: 2 });
    const address = stage.map(fd, 4);
    const locked = stage.process.inode(fd)!.mapping.pages[0]!;
    const holder = stage.kernel.newTask("holder");
    locked.trylock(holder);
    expect(stage.load("reader", address + PAGE).run()).toBe("ended");
    expect(stage.process.mm.translate(address, false)).toBe(-1);
    locked.unlock(holder);
    stage.checkInvariants();
  });

  test("is off where MINOR is registered, on where MISSING is, and stays within its mapping", () => {
    const mapped = (mode: number) => {
      const stage = new Stage(undefined, 4);
      const address = stage.map(stage.file(4, { 0: 1, 1: 2, 2: 3, 3: 4 }), 4);
      // The first page of the window is registered; the fault is on the second.
      stage.userfaultfd(address, 1, mode);
      stage.load("reader", address + PAGE).run();
      const before = stage.process.mm.translate(address, false) >= 0;
      if (mode === UFFDIO_REGISTER_MODE_MISSING) {
        const reader = stage.load("reader", address);
        expect(reader.run()).toBe("ended");
      }
      stage.checkInvariants();
      return [before, stage.process.mm.translate(address + 3 * PAGE, false) >= 0];
    };
    expect(mapped(UFFDIO_REGISTER_MODE_MINOR)).toEqual([false, true]);
    expect(mapped(UFFDIO_REGISTER_MODE_MISSING)).toEqual([false, true]);
  });
});

test("truncation to the size that a file has clears what a mapping has stored behind its end", () => {
  const stage = new Stage();
  const fd = stage.file(1, { 0: 7 });
  stage.machine.ftruncate(fd, 3);
  const address = stage.map(fd, 1);
  stage.store("writer", address + 5, 9).run();
  stage.machine.ftruncate(fd, 3);
  const seen = new Uint8Array(PAGE);
  stage.machine.readMemory(address, seen);
  expect([...seen]).toEqual([7, 7, 7, 0, 0, 0, 0, 0]);
  stage.checkInvariants();
});
