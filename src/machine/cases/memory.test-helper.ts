/** Files and mappings: what the calls around userfaultfd do, and answer. */
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  MADV_DONTNEED,
  MADV_NOHUGEPAGE,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  PROT_READ,
} from "../../abi/index.js";
import { type Case, MISSING, NOTHING_THERE, named, type Program, RW, runs } from "./case.test-helper.js";

/** The first page of a file, as far as the file goes. */
function pread(program: Program, fd: number, length: number, offset = 0): number | string {
  const bytes = new Uint8Array(length).fill(0xee);
  const result = program.machine.pread(fd, bytes, offset);
  return result < 0 ? named(result) : runs(bytes.subarray(0, result));
}

export const memoryCases: readonly Case[] = [
  {
    name: "pwrite() and pread(): sizes, holes, and parts of pages",
    run(program) {
      const { machine, size } = program;
      const fd = machine.memfdCreate("case");
      const write = (length: number, byte: number, offset: number) =>
        machine.pwrite(fd, new Uint8Array(length).fill(byte), offset);
      return {
        empty: pread(program, fd, 10),
        first: write(3, 7, 2),
        read: pread(program, fd, 10),
        none: [write(0, 7, 0), write(0, 7, 100)],
        unchanged: pread(program, fd, 10),
        across: write(size, 8, size * 2 - 2),
        hole: pread(program, fd, 4 * size),
        inside: [write(1, 9, size), pread(program, fd, 3, size - 1)],
        pastTheEnd: [pread(program, fd, 10, 3 * size - 2), pread(program, fd, 10, 100 * size)],
        last: pread(program, fd, 10, 3 * size - 5),
      };
    },
    expect: {
      empty: "nothing",
      first: 3,
      read: "2*0 3*7",
      none: [0, 0],
      unchanged: "2*0 3*7",
      across: 4096,
      hole: "2*0 3*7 8185*0 4096*8",
      inside: [1, "0 9 0"],
      pastTheEnd: ["nothing", "nothing"],
      last: 8,
    },
  },
  {
    name: "ftruncate(): what was past the end is gone; grown again it is zeros, also in the page that the end was in",
    run(program) {
      const { machine, size } = program;
      const fd = program.file(4, [0, 1, 2, 3]);
      const shrunk = named(machine.ftruncate(fd, size + 10));
      const short = pread(program, fd, 4 * size);
      const grown = named(machine.ftruncate(fd, 3 * size));
      return {
        shrunk,
        short,
        grown,
        long: pread(program, fd, 4 * size),
        to0: named(machine.ftruncate(fd, 0)),
        nothing: pread(program, fd, size),
        back: [named(machine.ftruncate(fd, size)), pread(program, fd, size)],
      };
    },
    expect: {
      shrunk: "ok",
      short: "4096*1 10*2",
      grown: "ok",
      long: "4096*1 10*2 8182*0",
      to0: "ok",
      nothing: "nothing",
      back: ["ok", 0],
    },
  },
  {
    name: "ftruncate() of a mapped file: shared pages and private copies past the end are gone, the others stay",
    run(program) {
      const { machine, size } = program;
      const fd = program.file(3, [0, 1, 2]);
      const shared = program.map(fd, 3);
      const own = program.map(fd, 3, MAP_PRIVATE);
      program.touch(shared, [0, 1, 2], "read");
      program.touch(own, [0, 1, 2], "write");
      machine.ftruncate(fd, size + 1);
      const past = [program.touch(shared, [2], "system call"), program.touch(own, [2], "system call")];
      machine.ftruncate(fd, 3 * size);
      return {
        past,
        shared: [0, 1, 2].map((page) => program.readMemory(shared, page)),
        private: [0, 1, 2].map((page) => program.readMemory(own, page)),
      };
    },
    expect: {
      past: [
        { result: "EFAULT", saw: [0] },
        { result: "EFAULT", saw: [0] },
      ],
      shared: [1, "2 4095*0", 0],
      private: ["80 4095*1", "81 4095*2", 0],
    },
  },
  {
    name: "behind the end of the file its last page is zeros, and can be stored to",
    run(program) {
      const { machine, size } = program;
      const fd = machine.memfdCreate("case");
      machine.pwrite(fd, new Uint8Array(100).fill(1), 0);
      const memory = program.map(fd, 1);
      const before = program.readMemory(memory, 0);
      program.finish(program.start(memory, [0], "write", 200));
      return { before, stored: program.readMemory(memory, 0), file: pread(program, fd, size) };
    },
    expect: {
      before: "100*1 3996*0",
      stored: "100*1 100*0 80 3895*0",
      file: 1,
    },
  },
  {
    name: "punching: whole pages are gone from the file and its mappings, parts of pages are zeroed, the size stays",
    run(program) {
      const { machine, size } = program;
      const fd = program.file(6, [0, 1, 2, 3, 4, 5]);
      const shared = program.map(fd, 6);
      const own = program.map(fd, 6, MAP_PRIVATE);
      program.populate(shared, [0, 1, 2, 3, 4, 5]);
      program.touch(own, [1, 3], "write");
      program.populate(own, [2]);
      const punch = (offset: number, length: number) =>
        named(machine.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
      return {
        whole: punch(size, size),
        withParts: punch(2 * size + 100, 2 * size),
        inside: punch(5 * size + 10, 20),
        inAHole: punch(size + 5, 5),
        pastTheEnd: punch(6 * size, size),
        overTheEnd: punch(5 * size + 4000, 100 * size),
        shared: [0, 1, 2, 3, 4, 5].map((page) => program.readMemory(shared, page)),
        private: [1, 2, 3].map((page) => program.readMemory(own, page)),
        length:
          pread(program, fd, 10 * size) === "nothing" ? 0 : machine.pread(fd, new Uint8Array(10 * size), 0),
      };
    },
    expect: {
      whole: "ok",
      withParts: "ok",
      inside: "ok",
      inAHole: "ok",
      pastTheEnd: "ok",
      overTheEnd: "ok",
      shared: [1, 0, "100*3 3996*0", 0, "100*0 3996*5", "10*6 20*0 3970*6 96*0"],
      private: ["81 4095*2", "100*3 3996*0", "83 4095*4"],
      length: 24576,
    },
  },
  {
    name: "fallocate(): errors in their order",
    run(program) {
      const { machine, size } = program;
      const fd = program.file(1);
      const uffd = program.newUserfaultfd();
      const punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
      return {
        noFile: [
          named(machine.fallocate(-1, punch, 0, size)),
          named(machine.fallocate(-1, punch, 0, 0)),
          named(machine.fallocate(-1, 0x400, 0, 0)),
        ],
        empty: named(machine.fallocate(fd, punch, 0, 0)),
        negativeLength: named(machine.fallocate(fd, punch, 0, -1)),
        negativeOffset: named(machine.fallocate(fd, punch, -size, size)),
        emptyComesFirst: named(machine.fallocate(fd, 0x400, 0, 0)),
        withoutKeepSize: named(machine.fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, size)),
        unknownMode: named(machine.fallocate(fd, 0x400, 0, size)),
        ofAUserfaultfd: [
          named(machine.fallocate(uffd.fd, punch, 0, 0)),
          named(machine.fallocate(uffd.fd, FALLOC_FL_PUNCH_HOLE, 0, size)),
          named(machine.fallocate(uffd.fd, punch, 0, size)),
        ],
      };
    },
    expect: {
      noFile: ["EBADF", "EBADF", "EBADF"],
      empty: "EINVAL",
      negativeLength: "EINVAL",
      negativeOffset: "EINVAL",
      emptyComesFirst: "EINVAL",
      withoutKeepSize: "EOPNOTSUPP",
      unknownMode: "EOPNOTSUPP",
      ofAUserfaultfd: ["EINVAL", "EOPNOTSUPP", "EBADF"],
    },
  },
  {
    name: "ftruncate(), pread() and pwrite(): errors in their order",
    run(program) {
      const { machine } = program;
      const fd = program.file(1);
      const uffd = program.newUserfaultfd();
      const byte = new Uint8Array(1);
      return {
        ftruncate: [
          named(machine.ftruncate(-1, 0)),
          named(machine.ftruncate(-1, -1)),
          named(machine.ftruncate(fd, -1)),
          named(machine.ftruncate(uffd.fd, 0)),
        ],
        pwrite: [
          named(machine.pwrite(-1, byte, 0)),
          named(machine.pwrite(-1, byte, -1)),
          named(machine.pwrite(fd, byte, -1)),
          named(machine.pwrite(uffd.fd, byte, 0)),
        ],
        pread: [
          named(machine.pread(-1, byte, 0)),
          named(machine.pread(-1, byte, -1)),
          named(machine.pread(fd, byte, -1)),
          named(machine.pread(uffd.fd, byte, 0)),
        ],
      };
    },
    expect: {
      ftruncate: ["EBADF", "EINVAL", "EINVAL", "EINVAL"],
      pwrite: ["EBADF", "EINVAL", "EINVAL", "ESPIPE"],
      pread: ["EBADF", "EINVAL", "EINVAL", "ESPIPE"],
    },
  },
  {
    name: "mmap(): errors in their order",
    run(program) {
      const { machine, size } = program;
      const fd = program.file(1);
      const uffd = program.newUserfaultfd();
      const closed = program.file(1);
      machine.close(closed);
      const mmap = (length: number, flags: number, file: number, offset: number) =>
        named(machine.mmap(length, RW, flags, file, offset));
      return {
        unaligned: [mmap(0, MAP_PRIVATE, -1, 1), mmap(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1)],
        noFile: [mmap(size, MAP_PRIVATE, -1, 0), mmap(0, MAP_PRIVATE, -1, 0), mmap(size, 0, closed, 0)],
        empty: [mmap(0, MAP_PRIVATE, fd, 0), mmap(0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)],
        emptyComesFirst: mmap(0, MAP_PRIVATE, uffd.fd, 0),
        neither: [mmap(size, 0, fd, 0), mmap(size, MAP_ANONYMOUS, -1, 0), mmap(size, 0, uffd.fd, 0)],
        both: [
          mmap(size, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0),
          machine.mmap(size, RW, MAP_SHARED_VALIDATE, fd, 0) > 0,
        ],
        ofAUserfaultfd: [mmap(size, MAP_PRIVATE, uffd.fd, 0), mmap(size, MAP_SHARED, uffd.fd, 0)],
        tooLong: mmap(2 ** 48, MAP_PRIVATE, fd, 0),
        negativeOffset: mmap(size, MAP_PRIVATE, fd, -size),
      };
    },
    expect: {
      unaligned: ["EINVAL", "EINVAL"],
      noFile: ["EBADF", "EBADF", "EBADF"],
      empty: ["EINVAL", "EINVAL"],
      emptyComesFirst: "EINVAL",
      neither: ["EINVAL", "EINVAL", "EINVAL"],
      both: ["EINVAL", true],
      // It is open for reading alone.
      ofAUserfaultfd: ["ENODEV", "EACCES"],
      tooLong: "ENOMEM",
      negativeOffset: "EOVERFLOW",
    },
  },
  {
    name: "munmap() and madvise(): errors",
    run(program) {
      const { machine, size } = program;
      const memory = program.anonymous(4);
      const at = memory.address;
      program.munmap(memory, 3, 1);
      const munmap = (address: number, length: number) => named(machine.munmap(address, length));
      const madvise = (address: number, length: number, advice: number) =>
        named(machine.madvise(address, length, advice));
      return {
        munmap: {
          unaligned: munmap(at + 1, size),
          empty: munmap(at, 0),
          negative: munmap(at, -size),
          pastAll: munmap(2 ** 62, size),
          nothingMapped: munmap(NOTHING_THERE, size),
        },
        madvise: {
          unaligned: madvise(at + 1, size, MADV_DONTNEED),
          empty: madvise(at, 0, MADV_DONTNEED),
          emptyNothingMapped: madvise(NOTHING_THERE, 0, MADV_DONTNEED),
          negative: madvise(at, -size, MADV_DONTNEED),
          unknown: [madvise(at, size, 12345), madvise(at, 0, 12345)],
          nothingMapped: madvise(NOTHING_THERE, size, MADV_DONTNEED),
          intoTheHole: madvise(memory.at(2), 2 * size, MADV_DONTNEED),
          noHugePage: [
            madvise(at, size, MADV_NOHUGEPAGE),
            madvise(at + 1, size, MADV_NOHUGEPAGE),
            madvise(memory.at(2), 2 * size, MADV_NOHUGEPAGE),
          ],
        },
      };
    },
    expect: {
      munmap: {
        unaligned: "EINVAL",
        empty: "EINVAL",
        negative: "EINVAL",
        pastAll: "EINVAL",
        nothingMapped: "ok",
      },
      madvise: {
        unaligned: "EINVAL",
        empty: "ok",
        emptyNothingMapped: "ok",
        negative: "EINVAL",
        unknown: ["EINVAL", "EINVAL"],
        nothingMapped: "ENOMEM",
        intoTheHole: "ENOMEM",
        noHugePage: ["ok", "EINVAL", "ENOMEM"],
      },
    },
  },
  {
    name: "munmap() of the middle: EFAULT there, the pages on both sides as they were",
    run(program) {
      const fd = program.file(5, [0, 1, 2, 3, 4]);
      const memory = program.map(fd, 5, MAP_PRIVATE);
      program.touch(memory, [1, 2, 3], "write");
      const result = program.munmap(memory, 2, 1);
      return {
        result,
        gone: program.touch(memory, [1, 2], "system call"),
        kept: [0, 1, 3, 4].map((page) => program.readMemory(memory, page)),
        rest: [program.munmap(memory, 0, 2), program.munmap(memory, 3, 2)],
        allGone: program.touch(memory, [3], "system call"),
      };
    },
    expect: {
      result: "ok",
      gone: { result: "EFAULT", saw: [0x51, 0] },
      kept: [1, "81 4095*2", "83 4095*4", 5],
      rest: ["ok", "ok"],
      allGone: { result: "EFAULT", saw: [0] },
    },
  },
  {
    name: "a length that is no whole number of pages is rounded up",
    run(program) {
      const { machine, size } = program;
      const fd = program.file(3, [0, 1, 2]);
      const address = machine.mmap(size + 1, RW, MAP_SHARED, fd, 0);
      const memory = { address, pages: 2, pageSize: size, at: (page: number) => address + page * size };
      const both = program.touch(memory, [0, 1], "read");
      const unmapped = named(machine.munmap(address, 1));
      return {
        both,
        unmapped,
        gone: [0, 1].map((page) => program.touch(memory, [page], "system call").result),
      };
    },
    expect: { both: { result: "ok", saw: [1, 2] }, unmapped: "ok", gone: ["EFAULT", "ok"] },
  },
  {
    name: "MADV_DONTNEED: anonymous memory is zeros, a private mapping shows the file again, shared memory keeps its bytes",
    run(program) {
      const fd = program.file(1, [0]);
      const shared = program.map(program.file(1, [0]), 1);
      const own = program.map(fd, 1, MAP_PRIVATE);
      const anonymous = program.anonymous(1);
      return [anonymous, own, shared].map((memory) => {
        program.touch(memory, [0], "write");
        const before = program.readMemory(memory, 0);
        return [before, program.madvise(memory, 0, 1, MADV_DONTNEED), program.readMemory(memory, 0)];
      });
    },
    expect: [
      ["80 4095*0", "ok", 0],
      ["80 4095*1", "ok", 1],
      ["80 4095*1", "ok", "80 4095*1"],
    ],
  },
  {
    name: "MADV_DONTNEED over a hole: ENOMEM, and all that is mapped is dropped, behind the hole too",
    run(program) {
      const memory = program.anonymous(4);
      program.touch(memory, [0, 1, 2, 3], "write");
      program.munmap(memory, 1, 1);
      const result = program.madvise(memory, 0, 3, MADV_DONTNEED);
      return { result, saw: [0, 2, 3].map((page) => program.readMemory(memory, page)) };
    },
    expect: { result: "ENOMEM", saw: [0, 0, "83 4095*0"] },
  },
  {
    name: "a private mapping shows what the file gets, until it is written to",
    run(program) {
      const fd = program.file(2, [0, 1]);
      const memory = program.map(fd, 2, MAP_PRIVATE);
      program.populate(memory, [0]);
      program.touch(memory, [1], "write");
      program.writeFile(fd, 0, 0x30);
      program.writeFile(fd, 1, 0x31);
      const before = [program.readMemory(memory, 0), program.readMemory(memory, 1)];
      program.touch(memory, [0], "write");
      program.writeFile(fd, 0, 0x40);
      return { before, after: program.readMemory(memory, 0), file: program.readFile(fd, 0) };
    },
    expect: { before: [0x30, "81 4095*2"], after: "80 4095*48", file: 0x40 },
  },
  {
    name: "a file lives on while it is mapped",
    run(program) {
      const { machine } = program;
      const fd = program.file(2, [0]);
      const memory = program.map(fd, 2);
      const closed = [named(machine.close(fd)), pread(program, fd, 1)];
      program.touch(memory, [1], "write");
      const seen = [program.readMemory(memory, 0), program.readMemory(memory, 1)];
      return { closed, seen, munmap: program.munmap(memory, 0, 2) };
    },
    expect: { closed: ["ok", "EBADF"], seen: [1, "81 4095*0"], munmap: "ok" },
  },
  {
    name: "pread() of a hole leaves it one",
    run(program) {
      const fd = program.file(2);
      const read = program.readFile(fd, 0);
      const memory = program.map(fd, 2);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const done = program.serve(uffd, memory, [0], "read", () => {
        uffd.copy(memory, 0, program.source(1));
      });
      return { read, done };
    },
    expect: { read: 0, done: { result: "ok", saw: [0xa0], messages: ["MISSING read 0"] } },
  },
  {
    name: "a mapping with an offset, and one that may only be read",
    run(program) {
      const fd = program.file(6, [3, 4]);
      const memory = program.map(fd, 3, MAP_SHARED, RW, 2);
      const readable = program.map(fd, 4, MAP_PRIVATE, PROT_READ, 3);
      program.touch(memory, [0, 2], "write");
      return {
        file: [2, 3, 4].map((page) => program.readFile(fd, page)),
        readable: program.touch(readable, [0, 1, 2, 3], "system call"),
      };
    },
    expect: {
      file: ["80 4095*0", 4, "82 4095*5"],
      readable: { result: "EFAULT", saw: [4, 0x52, 0, 0] },
    },
  },
  {
    name: "no page shows what its memory held before it was freed",
    run(program) {
      const { machine } = program;
      const refill = () => {
        const used = program.file(16);
        for (let page = 0; page < 16; page++) program.writeFile(used, page, 0xdd);
        machine.close(used);
      };
      const fd = program.file(8);
      const shared = program.map(fd, 8);
      const own = program.map(fd, 8, MAP_PRIVATE);
      const anonymous = program.anonymous(1);
      refill();
      machine.pwrite(fd, Uint8Array.of(7), 100);
      refill();
      program.touch(shared, [1], "read");
      program.touch(shared, [2], "write");
      refill();
      program.touch(own, [3], "write");
      program.touch(anonymous, [0], "write");
      refill();
      const uffd = program.userfaultfd();
      uffd.register(shared, MISSING);
      const zeropage = uffd.zeropage(shared, 4);
      return {
        zeropage,
        file: [0, 1, 2, 3, 4].map((page) => program.readFile(fd, page)),
        private: program.readMemory(own, 3),
        anonymous: program.readMemory(anonymous, 0),
      };
    },
    expect: {
      zeropage: "ok 4096",
      file: ["100*0 7 3995*0", 0, "82 4095*0", 0, 0],
      private: "83 4095*0",
      anonymous: "80 4095*0",
    },
  },
  {
    name: "past the end of a file that nobody registered: EFAULT, after the pages before it",
    run(program) {
      const { machine, size } = program;
      return [MAP_SHARED, MAP_PRIVATE].map((flags) => {
        const fd = program.file(1, [0]);
        const memory = program.map(fd, 3, flags);
        const done = program.touch(memory, [0, 1, 2], "system call");
        machine.ftruncate(fd, size + 1);
        return [done, program.touch(memory, [0, 1, 2], "system call")];
      });
    },
    expect: [
      [
        { result: "EFAULT", saw: [1, 0, 0] },
        { result: "EFAULT", saw: [1, 0, 0] },
      ],
      [
        { result: "EFAULT", saw: [1, 0, 0] },
        { result: "EFAULT", saw: [1, 0, 0] },
      ],
    ],
  },
];
