/** COPY, ZEROPAGE, CONTINUE and WAKE: each errno, each out field, and what is in memory afterwards. */
import {
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  UFFDIO_CONTINUE_MODE_WP,
  UFFDIO_COPY_MODE_WP,
} from "../../abi/index.js";
import { type Case, MINOR, MISSING, NOTHING_THERE, named, type Program, RW } from "./case.test-helper.js";

const UNKNOWN_MODE = 1 << 10;

/** A file of 8 pages, some of them cached, mapped and registered. */
function registered(
  program: Program,
  mode: number,
  cached: readonly number[] = [],
  flags: number = MAP_SHARED,
) {
  const fd = program.file(8, cached);
  const memory = program.map(fd, 8, flags);
  const uffd = program.userfaultfd();
  uffd.register(memory, mode);
  return { fd, memory, uffd };
}

const copyCases: readonly Case[] = [
  {
    name: "COPY into shared memory: every byte, into the file",
    run(program) {
      const { fd, memory, uffd } = registered(program, MISSING);
      const source = program.source(8);
      const results = [uffd.copy(memory, 0, source), uffd.copy(memory, 2, source, 3)];
      return {
        results,
        file: [0, 1, 2, 3, 4, 5].map((page) => program.readFile(fd, page)),
        seen: program.touch(memory, [0, 2, 3, 4], "read"),
      };
    },
    expect: {
      results: ["ok 4096", "ok 12288"],
      file: [0xa0, 0, 0xa2, 0xa3, 0xa4, 0],
      seen: { result: "ok", saw: [0xa0, 0xa2, 0xa3, 0xa4] },
    },
  },
  {
    name: "COPY into a private mapping and into anonymous memory: the file is left alone",
    run(program) {
      const { fd, memory, uffd } = registered(program, MISSING, [], MAP_PRIVATE);
      const source = program.source(2);
      const anonymous = program.anonymous(2);
      uffd.register(anonymous, MISSING);
      const results = [uffd.copy(memory, 0, source, 2), uffd.copy(anonymous, 0, source, 2)];
      program.touch(memory, [1], "write");
      program.touch(anonymous, [1], "write");
      uffd.close();
      return {
        results,
        file: [program.readFile(fd, 0), program.readFile(fd, 1)],
        memory: [program.readMemory(memory, 0), program.readMemory(memory, 1)],
        anonymous: [program.readMemory(anonymous, 0), program.readMemory(anonymous, 1)],
        source: program.readMemory(source, 1),
      };
    },
    expect: {
      results: ["ok 8192", "ok 8192"],
      file: [0, 0],
      memory: [0xa0, "81 4095*161"],
      anonymous: [0xa0, "81 4095*161"],
      source: 0xa1,
    },
  },
  {
    name: "COPY from an address that is not a page's",
    run(program) {
      const { fd, memory, uffd } = registered(program, MISSING);
      const source = program.source(3);
      const result = uffd.copy(memory, 0, source.address + 100, 2);
      const private_ = program.anonymous(1);
      uffd.register(private_, MISSING);
      const fromMapped = uffd.copy(private_, 0, source.address + 4095);
      uffd.close();
      return {
        result,
        fromMapped,
        file: [program.readFile(fd, 0), program.readFile(fd, 1)],
        memory: program.readMemory(private_, 0),
      };
    },
    expect: {
      result: "ok 8192",
      fromMapped: "ok 4096",
      file: ["3996*160 100*161", "3996*161 100*162"],
      memory: "160 4095*161",
    },
  },
  {
    name: "COPY from memory that is in the page table, and from memory that has to be faulted in",
    run(program) {
      const { memory, uffd } = registered(program, MISSING);
      const mapped = program.source(8);
      program.populate(mapped, [0, 1, 2, 3]);
      const untouched = program.anonymous(8);
      const results = [
        uffd.copy(memory, 0, mapped),
        uffd.copy(memory, 1, mapped, 5),
        uffd.copy(memory, 6, untouched, 2),
      ];
      return { results, seen: program.touch(memory, [0, 1, 2, 3, 4, 5, 6, 7], "read").saw };
    },
    expect: {
      results: ["ok 4096", "ok 20480", "ok 8192"],
      seen: [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0, 0],
    },
  },
  {
    name: "COPY from where nothing can be read is EFAULT, after the pages before it",
    run(program) {
      const { memory, uffd } = registered(program, MISSING);
      const { size } = program;
      const source = program.source(5);
      const short = program.map(program.file(1), 2);
      const closed = program.anonymous(1, MAP_PRIVATE, PROT_NONE);
      program.munmap(source, 2, 1);
      program.munmap(source, 4, 1);
      return {
        null: uffd.copy(memory, 0, 0),
        hole: uffd.copy(memory, 0, source.at(2)),
        intoTheHole: uffd.copy(memory, 0, source.at(1) + 1),
        noAccess: uffd.copy(memory, 0, closed),
        pastTheFile: uffd.copy(memory, 0, short.at(1)),
        nothingWasDone: uffd.copy(memory, 0, source, 4),
        resumed: uffd.copy(memory, 2, source, 2),
        past: uffd.copy(memory, 3, source.at(3), 2),
        pastUnaligned: uffd.copy(memory, 4, source.at(3) + size / 2),
      };
    },
    expect: {
      null: "EFAULT EFAULT",
      hole: "EFAULT EFAULT",
      intoTheHole: "EFAULT EFAULT",
      noAccess: "EFAULT EFAULT",
      pastTheFile: "EFAULT EFAULT",
      nothingWasDone: "EAGAIN 8192",
      resumed: "EFAULT EFAULT",
      past: "EAGAIN 4096",
      pastUnaligned: "EFAULT EFAULT",
    },
  },
  {
    name: "COPY: a bad argument is EINVAL, and the out field is not written",
    run(program) {
      const { memory, uffd } = registered(program, MISSING);
      const { size } = program;
      const at = memory.address;
      const from = program.source(8).address;
      return {
        empty: uffd.copyBytes(at, from, 0),
        unalignedLength: uffd.copyBytes(at, from, size + 1),
        unaligned: uffd.copyBytes(at + 1, from, size),
        pastAll: uffd.copyBytes(2 ** 62, from, size),
        fromPastAll: uffd.copyBytes(at, 2 ** 62, size),
        tooLong: uffd.copyBytes(at, from, 2 ** 62),
        negative: uffd.copyBytes(at, from, -size),
        unknownMode: uffd.copyBytes(at, from, size, UNKNOWN_MODE),
        ok: uffd.copyBytes(at, from, size),
      };
    },
    expect: {
      empty: "EINVAL untouched",
      unalignedLength: "EINVAL untouched",
      unaligned: "EINVAL untouched",
      pastAll: "EINVAL untouched",
      fromPastAll: "EINVAL untouched",
      tooLong: "EINVAL untouched",
      negative: "EINVAL untouched",
      unknownMode: "EINVAL untouched",
      ok: "ok 4096",
    },
  },
  {
    name: "COPY to where nothing is registered is ENOENT, and so is a range that leaves its VMA",
    run(program) {
      const { memory, uffd } = registered(program, MISSING);
      const source = program.source(8);
      const other = program.anonymous(8);
      uffd.register(other, MISSING, 0, 4);
      uffd.unregister(memory, 4, 1);
      program.munmap(memory, 7, 1);
      return {
        unmapped: uffd.copyBytes(NOTHING_THERE, source.address, program.size),
        notRegistered: uffd.copy(other, 4, source),
        unregistered: uffd.copy(memory, 4, source),
        intoIt: uffd.copy(memory, 3, source, 2),
        outOfIt: uffd.copy(other, 3, source, 2),
        past: uffd.copy(memory, 6, source, 2),
        nothingWasDone: [uffd.copy(memory, 3, source), uffd.copy(memory, 6, source)],
      };
    },
    expect: {
      unmapped: "ENOENT ENOENT",
      notRegistered: "ENOENT ENOENT",
      unregistered: "ENOENT ENOENT",
      intoIt: "ENOENT ENOENT",
      outOfIt: "ENOENT ENOENT",
      past: "ENOENT ENOENT",
      nothingWasDone: ["ok 4096", "ok 4096"],
    },
  },
  {
    name: "COPY across two VMAs of one registered range is ENOENT",
    run(program) {
      const uffd = program.userfaultfd();
      const source = program.source(4);
      const memory = program.map(program.file(4), 4);
      program.munmap(memory, 1, 1);
      const registered = uffd.register(memory, MISSING);
      uffd.register(memory, MISSING | MINOR, 3, 1);
      return [registered, uffd.copy(memory, 2, source, 2), uffd.copy(memory, 0, source, 2)];
    },
    expect: ["ok", "ENOENT ENOENT", "ENOENT ENOENT"],
  },
  {
    name: "COPY with MODE_WP into a range without WP is EINVAL, before any page; so is CONTINUE",
    run(program) {
      const { memory, uffd } = registered(program, MISSING | MINOR, [1]);
      const source = program.source(8);
      return [
        uffd.copy(memory, 0, source, 1, UFFDIO_COPY_MODE_WP),
        uffd.copy(memory, 0, 0, 1, UFFDIO_COPY_MODE_WP),
        uffd.continue(memory, 1, 1, UFFDIO_CONTINUE_MODE_WP),
        uffd.continue(memory, 7, 2, UFFDIO_CONTINUE_MODE_WP),
      ];
    },
    expect: ["EINVAL EINVAL", "EINVAL EINVAL", "EINVAL EINVAL", "ENOENT ENOENT"],
  },
  {
    name: "COPY onto a page that is mapped is EEXIST, and the page stays",
    run(program) {
      const { fd, memory, uffd } = registered(program, MISSING);
      const source = program.source(8);
      const anonymous = program.anonymous(8);
      program.populate(anonymous, [3]);
      uffd.register(anonymous, MISSING);
      return {
        shared: [uffd.copy(memory, 0, source), uffd.copy(memory, 0, source.at(1))],
        anonymous: [uffd.copy(anonymous, 0, source), uffd.copy(anonymous, 0, source.at(1))],
        overTheZeroPage: uffd.copy(anonymous, 3, source),
        file: program.readFile(fd, 0),
        seen: program.touch(anonymous, [0, 3], "read").saw,
      };
    },
    expect: {
      shared: ["ok 4096", "EEXIST EEXIST"],
      anonymous: ["ok 4096", "EEXIST EEXIST"],
      overTheZeroPage: "EEXIST EEXIST",
      file: 0xa0,
      seen: [0xa0, 0],
    },
  },
  {
    name: "COPY onto a page that only the page cache has: EEXIST in shared memory, an anonymous page in a private mapping",
    run(program) {
      const shared = registered(program, MISSING, [1]);
      const own = registered(program, MISSING, [1], MAP_PRIVATE);
      const source = program.source(8);
      return {
        shared: shared.uffd.copy(shared.memory, 1, source),
        private: own.uffd.copy(own.memory, 1, source),
        seen: [program.touch(shared.memory, [1], "read").saw, program.touch(own.memory, [1], "read").saw],
        files: [program.readFile(shared.fd, 1), program.readFile(own.fd, 1)],
      };
    },
    expect: { shared: "EEXIST EEXIST", private: "ok 4096", seen: [[2], [0xa1]], files: [2, 2] },
  },
  {
    name: "a COPY that meets a mapped page: EAGAIN and how far it came; resumed there EEXIST; after it, the rest",
    run(program) {
      const { fd, memory, uffd } = registered(program, MISSING);
      const source = program.source(8);
      return {
        one: uffd.copy(memory, 2, source),
        four: uffd.copy(memory, 0, source, 4),
        resumed: uffd.copy(memory, 2, source, 2),
        rest: uffd.copy(memory, 3, source),
        file: [0, 1, 2, 3, 4].map((page) => program.readFile(fd, page)),
      };
    },
    expect: {
      one: "ok 4096",
      four: "EAGAIN 8192",
      resumed: "EEXIST EEXIST",
      rest: "ok 4096",
      file: [0xa0, 0xa1, 0xa2, 0xa3, 0],
    },
  },
  {
    name: "past the end of the file COPY and ZEROPAGE are EFAULT, CONTINUE is EINVAL; the page that the end is in is inside",
    run(program) {
      const source = program.source(8);
      return [MAP_SHARED, MAP_PRIVATE].map((flags) => {
        const { fd, memory, uffd } = registered(program, MISSING | MINOR, [], flags);
        program.machine.ftruncate(fd, 3 * program.size + 1);
        return {
          copy: uffd.copy(memory, 4, source),
          zeropage: uffd.zeropage(memory, 5),
          continue: uffd.continue(memory, 4),
          copies: uffd.copy(memory, 2, source, 4),
          zeropages: uffd.zeropage(memory, 1, 4),
          last: uffd.zeropage(memory, 1),
          // -EINVAL of the first page past the end, or -EFAULT of an absent one before it.
          continues: uffd.continue(memory, 0, 8),
          length: program.machine.pread(fd, new Uint8Array(8 * program.size), 0),
        };
      });
    },
    expect: [
      {
        copy: "EFAULT EFAULT",
        zeropage: "EFAULT EFAULT",
        continue: "EINVAL EINVAL",
        copies: "EAGAIN 8192",
        zeropages: "EAGAIN 4096",
        last: "EEXIST EEXIST",
        continues: "EFAULT EFAULT",
        length: 12289,
      },
      {
        copy: "EFAULT EFAULT",
        zeropage: "EFAULT EFAULT",
        continue: "EINVAL EINVAL",
        copies: "EAGAIN 8192",
        zeropages: "EAGAIN 4096",
        last: "EEXIST EEXIST",
        continues: "EFAULT EFAULT",
        length: 12289,
      },
    ],
  },
  {
    name: "the file's size is no whole number of pages: the last page can be continued",
    run(program) {
      const { fd, memory, uffd } = registered(program, MINOR, [0, 1, 2]);
      program.machine.ftruncate(fd, 2 * program.size - 1);
      return [uffd.continue(memory, 0, 3), uffd.continue(memory, 2), program.readFile(fd, 1)];
    },
    expect: ["EAGAIN 8192", "EINVAL EINVAL", 2],
  },
  {
    name: "COPY and ZEROPAGE work where only MINOR is registered, CONTINUE where only MISSING is",
    run(program) {
      const minor = registered(program, MINOR, [3]);
      const missing = registered(program, MISSING, [3]);
      return [
        minor.uffd.copy(minor.memory, 0, program.source(1)),
        minor.uffd.zeropage(minor.memory, 1),
        missing.uffd.continue(missing.memory, 3),
      ];
    },
    expect: ["ok 4096", "ok 4096", "ok 4096"],
  },
  {
    name: "COPY of more pages than one page table holds",
    run(program) {
      const pages = 1100;
      const fd = program.file(pages);
      const memory = program.map(fd, pages);
      const anonymous = program.anonymous(pages);
      const source = program.map(program.file(pages, [0, 511, 512, 1099]), pages);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      uffd.register(anonymous, MISSING);
      const results = [uffd.copy(memory, 0, source, pages), uffd.copy(anonymous, 0, source, pages)];
      const some = [0, 1, 511, 512, 513, 1099];
      return {
        results,
        seen: [program.touch(memory, some, "read").saw, program.touch(anonymous, some, "read").saw],
        file: some.map((page) => program.readFile(fd, page)),
      };
    },
    expect: {
      results: ["ok 4505600", "ok 4505600"],
      seen: [
        [1, 0, 0, 1, 0, 76],
        [1, 0, 0, 1, 0, 76],
      ],
      file: [1, 0, 0, 1, 0, 76],
    },
  },
  {
    name: "COPY into memory that may only be read, or not even that",
    run(program) {
      const uffd = program.userfaultfd();
      const source = program.source(2);
      const readable = program.anonymous(2, MAP_PRIVATE, PROT_READ);
      const file = program.file(2);
      const readableFile = program.map(file, 2, MAP_SHARED, PROT_READ);
      const closed = program.anonymous(2, MAP_PRIVATE, PROT_NONE);
      const closedFile = program.map(program.file(2, [1]), 2, MAP_SHARED, PROT_NONE);
      for (const memory of [readable, closed]) uffd.register(memory, MISSING);
      for (const memory of [readableFile, closedFile]) uffd.register(memory, MISSING | MINOR);
      return {
        fills: [
          uffd.copy(readable, 0, source),
          uffd.copy(readableFile, 0, source),
          uffd.copy(closed, 0, source),
          uffd.copy(closedFile, 0, source),
          uffd.continue(closedFile, 1),
        ],
        seen: [
          program.touch(readable, [0], "read"),
          program.touch(readableFile, [0], "read"),
          program.touch(closed, [0], "system call"),
          program.touch(closedFile, [0], "system call"),
          program.touch(closedFile, [1], "system call"),
        ],
        file: program.readFile(file, 0),
      };
    },
    expect: {
      fills: ["ok 4096", "ok 4096", "ok 4096", "ok 4096", "ok 4096"],
      seen: [
        { result: "ok", saw: [0xa0] },
        { result: "ok", saw: [0xa0] },
        { result: "EFAULT", saw: [0] },
        { result: "EFAULT", saw: [0] },
        { result: "EFAULT", saw: [0] },
      ],
      file: 0xa0,
    },
  },
];

const zeropageCases: readonly Case[] = [
  {
    name: "ZEROPAGE: zeros in anonymous memory, in a private mapping whatever the file holds, and in the file of a shared one",
    run(program) {
      const shared = registered(program, MISSING, [1]);
      const own = registered(program, MISSING, [1], MAP_PRIVATE);
      const anonymous = program.anonymous(8);
      own.uffd.register(anonymous, MISSING);
      const results = [
        own.uffd.zeropage(anonymous, 0, 2),
        own.uffd.zeropage(own.memory, 0, 2),
        shared.uffd.zeropage(shared.memory, 0),
        shared.uffd.zeropage(shared.memory, 1),
      ];
      const again = [
        own.uffd.zeropage(anonymous, 1),
        own.uffd.zeropage(own.memory, 1),
        shared.uffd.zeropage(shared.memory, 0),
      ];
      return {
        results,
        again,
        anonymous: program.touch(anonymous, [0, 1], "read").saw,
        private: program.touch(own.memory, [0, 1], "read").saw,
        shared: program.touch(shared.memory, [0, 1], "read").saw,
        file: program.readFile(own.fd, 1),
      };
    },
    expect: {
      results: ["ok 8192", "ok 8192", "ok 4096", "EEXIST EEXIST"],
      again: ["EEXIST EEXIST", "EEXIST EEXIST", "EEXIST EEXIST"],
      anonymous: [0, 0],
      private: [0, 0],
      shared: [0, 2],
      file: 2,
    },
  },
  {
    name: "ZEROPAGE, then a write: to the page's own memory",
    run(program) {
      const shared = registered(program, MISSING);
      const own = registered(program, MISSING, [1], MAP_PRIVATE);
      const anonymous = program.anonymous(2);
      own.uffd.register(anonymous, MISSING);
      own.uffd.zeropage(anonymous, 0, 2);
      own.uffd.zeropage(own.memory, 0, 2);
      shared.uffd.zeropage(shared.memory, 1);
      for (const memory of [shared.memory, own.memory, anonymous]) program.touch(memory, [1], "write");
      own.uffd.close();
      return {
        files: [program.readFile(shared.fd, 1), program.readFile(own.fd, 1)],
        private: [program.readMemory(own.memory, 0), program.readMemory(own.memory, 1)],
        anonymous: [program.readMemory(anonymous, 0), program.readMemory(anonymous, 1)],
      };
    },
    expect: {
      files: ["81 4095*0", 2],
      private: [0, "81 4095*0"],
      anonymous: [0, "81 4095*0"],
    },
  },
  {
    name: "ZEROPAGE: a bad argument is EINVAL, and the out field is not written; a range that is not registered ENOENT",
    run(program) {
      const { memory, uffd } = registered(program, MISSING, [6]);
      const { size } = program;
      const at = memory.address;
      uffd.unregister(memory, 7, 1);
      return {
        empty: uffd.zeropageBytes(at, 0),
        unalignedLength: uffd.zeropageBytes(at, size - 1),
        unaligned: uffd.zeropageBytes(at + 8, size),
        pastAll: uffd.zeropageBytes(2 ** 62, size),
        unknownMode: uffd.zeropageBytes(at, size, UNKNOWN_MODE),
        modeWp: uffd.zeropageBytes(at, size, UFFDIO_COPY_MODE_WP),
        notRegistered: uffd.zeropage(memory, 7),
        outOfIt: uffd.zeropage(memory, 6, 2),
        partial: uffd.zeropage(memory, 4, 3),
      };
    },
    expect: {
      empty: "EINVAL untouched",
      unalignedLength: "EINVAL untouched",
      unaligned: "EINVAL untouched",
      pastAll: "EINVAL untouched",
      unknownMode: "EINVAL untouched",
      modeWp: "EINVAL untouched",
      notRegistered: "ENOENT ENOENT",
      outOfIt: "ENOENT ENOENT",
      partial: "EAGAIN 8192",
    },
  },
];

const continueCases: readonly Case[] = [
  {
    name: "CONTINUE: absent EFAULT, mapped EEXIST, past the end EINVAL, anonymous EINVAL, partial EAGAIN",
    run(program) {
      const { memory, uffd } = registered(program, MINOR, [0, 1, 3, 4]);
      const anonymous = program.anonymous(1);
      uffd.register(anonymous, MISSING);
      const past = program.map(program.file(1), 2);
      uffd.register(past, MINOR);
      return {
        absent: uffd.continue(memory, 2),
        cached: uffd.continue(memory, 1),
        mapped: uffd.continue(memory, 1),
        past: uffd.continue(past, 1),
        anonymous: uffd.continue(anonymous, 0),
        partialMapped: uffd.continue(memory, 0, 2),
        partialAbsent: uffd.continue(memory, 3, 4),
        nothingWasAllocated: uffd.continue(memory, 2),
      };
    },
    expect: {
      absent: "EFAULT EFAULT",
      cached: "ok 4096",
      mapped: "EEXIST EEXIST",
      past: "EINVAL EINVAL",
      anonymous: "EINVAL EINVAL",
      partialMapped: "EAGAIN 4096",
      partialAbsent: "EAGAIN 8192",
      nothingWasAllocated: "EFAULT EFAULT",
    },
  },
  {
    name: "CONTINUE: a bad argument is EINVAL, and the out field is not written; a range that is not registered ENOENT",
    run(program) {
      const { memory, uffd } = registered(program, MINOR, [0, 7]);
      const { size } = program;
      const at = memory.address;
      const anonymous = program.anonymous(1);
      uffd.unregister(memory, 7, 1);
      return {
        empty: uffd.continueBytes(at, 0),
        unalignedLength: uffd.continueBytes(at, size + 8),
        unaligned: uffd.continueBytes(at - 8, size),
        pastAll: uffd.continueBytes(2 ** 62, size),
        unknownMode: uffd.continueBytes(at, size, UNKNOWN_MODE),
        notRegistered: uffd.continue(memory, 7),
        anonymousNotRegistered: uffd.continue(anonymous, 0),
        outOfIt: uffd.continue(memory, 0, 8),
      };
    },
    expect: {
      empty: "EINVAL untouched",
      unalignedLength: "EINVAL untouched",
      unaligned: "EINVAL untouched",
      pastAll: "EINVAL untouched",
      unknownMode: "EINVAL untouched",
      notRegistered: "ENOENT ENOENT",
      anonymousNotRegistered: "ENOENT ENOENT",
      outOfIt: "ENOENT ENOENT",
    },
  },
  {
    name: "CONTINUE in a private mapping maps the file's page: a write copies it, and the file stays",
    run(program) {
      const { fd, memory, uffd } = registered(program, MINOR, [0, 1], MAP_PRIVATE);
      const results = [uffd.continue(memory, 0, 2), program.touch(memory, [0, 1], "read").saw];
      program.writeFile(fd, 0, 0x77);
      const fileShows = program.touch(memory, [0], "read").saw;
      const written = program.touch(memory, [1], "write").result;
      const messages = uffd.read(memory);
      program.writeFile(fd, 1, 0x78);
      uffd.close();
      return { results, fileShows, written, messages, own: program.readMemory(memory, 1) };
    },
    expect: {
      results: ["ok 8192", [1, 2]],
      fileShows: [0x77],
      written: "ok",
      messages: "EAGAIN",
      own: "81 4095*2",
    },
  },
  {
    name: "CONTINUE in one of two mappings: the other has nothing to do with it",
    run(program) {
      const { fd, memory, uffd } = registered(program, MINOR, [0]);
      const other = program.map(fd, 8);
      const before = program.touch(other, [0], "write");
      const result = uffd.continue(memory, 0);
      return { before, result, saw: program.touch(memory, [0], "read").saw };
    },
    expect: { before: { result: "ok" }, result: "ok 4096", saw: [0x50] },
  },
];

const wakeCases: readonly Case[] = [
  {
    name: "WAKE: a bad range is EINVAL; nobody waiting, or nothing mapped, is ok",
    run(program) {
      const { memory, uffd } = registered(program, MISSING);
      const { size } = program;
      const at = memory.address;
      const wake = (start: number, len: number) => named(uffd.call.wake(start, len));
      return {
        empty: wake(at, 0),
        unaligned: wake(at + 1, size),
        unalignedLength: wake(at, size + 1),
        pastAll: wake(2 ** 62, size),
        tooLong: wake(at, 2 ** 62),
        nobody: wake(at, size),
        pastIt: wake(at, 100 * size),
        unmapped: wake(NOTHING_THERE, size),
        null: wake(0, size),
      };
    },
    expect: {
      empty: "EINVAL",
      unaligned: "EINVAL",
      unalignedLength: "EINVAL",
      pastAll: "EINVAL",
      tooLong: "EINVAL",
      nobody: "ok",
      pastIt: "ok",
      unmapped: "ok",
      null: "ok",
    },
  },
  {
    name: "COPY, ZEROPAGE and CONTINUE of pages with an offset in the file",
    run(program) {
      const fd = program.file(8, [6]);
      const memory = program.map(fd, 4, MAP_SHARED, RW, 4);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const results = [
        uffd.copy(memory, 0, program.source(1)),
        uffd.zeropage(memory, 1),
        uffd.continue(memory, 2),
      ];
      program.touch(memory, [0, 1, 2], "write");
      return { results, file: [3, 4, 5, 6, 7].map((page) => program.readFile(fd, page)) };
    },
    expect: {
      results: ["ok 4096", "ok 4096", "ok 4096"],
      file: [0, "80 4095*160", "81 4095*0", "82 4095*7", 0],
    },
  },
];

export const fillCases: readonly Case[] = [...copyCases, ...zeropageCases, ...continueCases, ...wakeCases];
