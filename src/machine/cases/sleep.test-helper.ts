/** Who sleeps in a fault, and what wakes it. */
import {
  MADV_DONTNEED,
  MAP_PRIVATE,
  UFFD_FEATURE,
  UFFDIO_CONTINUE_MODE_DONTWAKE,
  UFFDIO_COPY_MODE_DONTWAKE,
  UFFDIO_ZEROPAGE_MODE_DONTWAKE,
} from "../../abi/index.js";
import { type Case, type Message, MINOR, MISSING } from "./case.test-helper.js";

const text = (message: Message | "finished") => (message === "finished" ? message : message.text);

export const sleepCases: readonly Case[] = [
  {
    name: "COPY, ZEROPAGE and CONTINUE with DONTWAKE: filled, again EEXIST, and the waiter asleep until WAKE",
    sleeps: true,
    run(program) {
      const memory = program.map(program.file(3, [2]), 3);
      const source = program.source(3);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const fill = [
        () => uffd.copy(memory, 0, source, 1, UFFDIO_COPY_MODE_DONTWAKE),
        () => uffd.zeropage(memory, 1, 1, UFFDIO_ZEROPAGE_MODE_DONTWAKE),
        () => uffd.continue(memory, 2, 1, UFFDIO_CONTINUE_MODE_DONTWAKE),
      ];
      const again = [
        () => uffd.copy(memory, 0, source),
        () => uffd.zeropage(memory, 1),
        () => uffd.continue(memory, 2),
      ];
      return [0, 1, 2].map((page) => {
        const touching = program.start(memory, [page], "read");
        return {
          message: text(program.sleeping(uffd, memory, touching)),
          fill: fill[page]!(),
          asleep: program.stillAsleep(uffd, touching),
          again: again[page]!(),
          stillAsleep: program.stillAsleep(uffd, touching),
          wake: uffd.wake(memory, page),
          done: program.finish(touching),
        };
      });
    },
    expect: (
      [
        ["MISSING read 0", 0xa0],
        ["MISSING read 1", 0],
        ["MINOR read 2", 3],
      ] as const
    ).map(([message, byte]) => ({
      message,
      fill: "ok 4096",
      asleep: true,
      again: "EEXIST EEXIST",
      stillAsleep: true,
      wake: "ok",
      done: { result: "ok", saw: [byte] },
    })),
  },
  {
    name: "WAKE without a page: the fault is taken again, with a message of its own",
    sleeps: true,
    run(program) {
      const memory = program.anonymous(1);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const touching = program.start(memory, [0], "write");
      const first = text(program.sleeping(uffd, memory, touching));
      const wake = uffd.wake(memory, 0);
      const second = text(program.sleeping(uffd, memory, touching));
      const fill = uffd.zeropage(memory, 0);
      return { first, wake, second, fill, done: program.finish(touching), end: uffd.read(memory) };
    },
    expect: {
      first: "MISSING write 0",
      wake: "ok",
      second: "MISSING write 0",
      fill: "ok 4096",
      done: { result: "ok" },
      end: "EAGAIN",
    },
  },
  {
    name: "COPY and WAKE of one page leave the waiter on another asleep",
    sleeps: true,
    run(program) {
      const memory = program.anonymous(4);
      const source = program.source(4);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const touching = program.start(memory, [1], "read");
      program.sleeping(uffd, memory, touching);
      const calls = [
        uffd.copy(memory, 0, source),
        uffd.copy(memory, 2, source),
        uffd.wake(memory, 0),
        uffd.wake(memory, 2, 2),
      ];
      return {
        calls,
        asleep: program.stillAsleep(uffd, touching),
        fill: uffd.copy(memory, 1, source),
        done: program.finish(touching),
      };
    },
    expect: {
      calls: ["ok 4096", "ok 4096", "ok", "ok"],
      asleep: true,
      fill: "ok 4096",
      done: { result: "ok", saw: [0xa1] },
    },
  },
  {
    name: "a partial COPY wakes those on the pages it did, and no other",
    sleeps: true,
    run(program) {
      const memory = program.anonymous(4);
      const source = program.source(4);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      uffd.zeropage(memory, 2);
      const threads = [0, 3].map((page) => program.start(memory, [page], "read"));
      for (const touching of threads) program.sleeping(uffd, memory, touching);
      const copy = uffd.copy(memory, 0, source, 4);
      const first = program.finish(threads[0]!);
      const asleep = program.stillAsleep(uffd, threads[1]!);
      return { copy, first, asleep, rest: uffd.copy(memory, 3, source), second: program.finish(threads[1]!) };
    },
    expect: {
      copy: "EAGAIN 8192",
      first: { result: "ok", saw: [0xa0] },
      asleep: true,
      rest: "ok 4096",
      second: { result: "ok", saw: [0xa3] },
    },
  },
  {
    name: "COPY that is EEXIST wakes nobody: somebody else has filled the page, and WAKE is due",
    sleeps: true,
    run(program) {
      const fd = program.file(1);
      const memory = program.map(fd, 1);
      const source = program.source(1);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const touching = program.start(memory, [0], "read");
      program.sleeping(uffd, memory, touching);
      program.writeFile(fd, 0, 0x33);
      const copy = uffd.copy(memory, 0, source);
      const asleep = program.stillAsleep(uffd, touching);
      return { copy, asleep, wake: uffd.wake(memory, 0), done: program.finish(touching) };
    },
    expect: { copy: "EEXIST EEXIST", asleep: true, wake: "ok", done: { result: "ok", saw: [0x33] } },
  },
  {
    name: "several threads on one page: each raises a message, one COPY wakes them all",
    sleeps: true,
    run(program) {
      const memory = program.map(program.file(1), 1);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const accesses = ["read", "write", "read", "system call"] as const;
      const threads = accesses.map((access) => program.start(memory, [0], access));
      const messages = threads.map((touching) => text(program.sleeping(uffd, memory, touching)));
      const copy = uffd.copy(memory, 0, program.source(1));
      return {
        messages: messages.sort(),
        copy,
        results: threads.map((touching) => program.finish(touching).result),
        end: uffd.read(memory),
      };
    },
    expect: {
      messages: ["MISSING read 0", "MISSING read 0", "MISSING read 0", "MISSING write 0"],
      copy: "ok 4096",
      results: ["ok", "ok", "ok", "ok"],
      end: "EAGAIN",
    },
  },
  {
    name: "a message whose fault is woken before it is read is never read",
    sleeps: true,
    run(program) {
      const memory = program.map(program.file(3, [2]), 3);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const threads = [0, 1, 2].map((page) => program.start(memory, [page], "read"));
      const asleep = threads.map((touching) => program.asleep(touching));
      const fills = [uffd.copy(memory, 0, program.source(1)), uffd.continue(memory, 2)];
      const done = [program.finish(threads[0]!), program.finish(threads[2]!)];
      const read = uffd.read(memory);
      const last = [uffd.zeropage(memory, 1), program.finish(threads[1]!)];
      return { asleep, fills, done, read, last };
    },
    expect: {
      asleep: [true, true, true],
      fills: ["ok 4096", "ok 4096"],
      done: [
        { result: "ok", saw: [0xa0] },
        { result: "ok", saw: [3] },
      ],
      read: ["MISSING read 1"],
      last: ["ok 4096", { result: "ok", saw: [0] }],
    },
  },
  ...(
    [
      ["a MINOR waiter where MINOR alone is registered: not woken", MINOR, [0], true],
      ["a MINOR waiter where MISSING is registered, too: woken", MISSING | MINOR, [0], false],
      ["a MISSING waiter: woken", MISSING, [], false],
    ] as const
  ).map(
    ([name, mode, cached, asleep]): Case => ({
      name: `UNREGISTER under ${name}`,
      sleeps: true,
      run(program) {
        const memory = program.map(program.file(2, cached), 2);
        const uffd = program.userfaultfd();
        uffd.register(memory, mode);
        const touching = program.start(memory, [0], "read");
        const message = text(program.sleeping(uffd, memory, touching));
        const unregister = uffd.unregister(memory);
        const stillAsleep = asleep && program.stillAsleep(uffd, touching);
        const wake = stillAsleep ? uffd.wake(memory, 0) : "";
        return { message, unregister, stillAsleep, wake, done: program.finish(touching) };
      },
      expect: {
        message: `${cached.length > 0 ? "MINOR" : "MISSING"} read 0`,
        unregister: "ok",
        stillAsleep: asleep,
        wake: asleep ? "ok" : "",
        done: { result: "ok", saw: [cached.length] },
      },
    }),
  ),
  {
    name: "UNREGISTER of a part wakes the MISSING waiters in it alone",
    sleeps: true,
    run(program) {
      const memory = program.anonymous(4);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const threads = [0, 1, 3].map((page) => program.start(memory, [page], "read"));
      for (const touching of threads) program.sleeping(uffd, memory, touching);
      const result = uffd.unregister(memory, 1, 2);
      const done = program.finish(threads[1]!);
      const asleep = [program.stillAsleep(uffd, threads[0]!), program.stillAsleep(uffd, threads[2]!)];
      const rest = [uffd.zeropage(memory, 0), uffd.zeropage(memory, 3)];
      return { result, done, asleep, rest, end: [0, 2].map((i) => program.finish(threads[i]!).result) };
    },
    expect: {
      result: "ok",
      done: { result: "ok", saw: [0] },
      asleep: [true, true],
      rest: ["ok 4096", "ok 4096"],
      end: ["ok", "ok"],
    },
  },
  {
    name: "REGISTER with other modes wakes nobody; after WAKE the new modes hold",
    sleeps: true,
    run(program) {
      const fd = program.file(2);
      const memory = program.map(fd, 2);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const touching = program.start(memory, [0, 1], "read");
      const message = text(program.sleeping(uffd, memory, touching));
      program.writeFile(fd, 1, 2);
      const result = uffd.register(memory, MINOR);
      const asleep = program.stillAsleep(uffd, touching);
      const wake = uffd.wake(memory, 0);
      const next = text(program.sleeping(uffd, memory, touching));
      return {
        message,
        result,
        asleep,
        wake,
        next,
        fill: uffd.continue(memory, 1),
        done: program.finish(touching),
      };
    },
    expect: {
      message: "MISSING read 0",
      result: "ok",
      asleep: true,
      wake: "ok",
      next: "MINOR read 1",
      fill: "ok 4096",
      done: { result: "ok", saw: [0, 2] },
    },
  },
  {
    name: "close() with waiters, read and unread, MISSING and MINOR: all go on as if nothing had been registered",
    sleeps: true,
    run(program) {
      const memory = program.map(program.file(4, [1, 3]), 4);
      const anonymous = program.anonymous(1);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      uffd.register(anonymous, MISSING);
      const read = [0, 1].map((page) => program.start(memory, [page], "read"));
      const messages = read.map((touching) => text(program.sleeping(uffd, memory, touching))).sort();
      const unread = [2, 3].map((page) => program.start(memory, [page], "read"));
      unread.push(program.start(anonymous, [0], "write"));
      const asleep = unread.map((touching) => program.asleep(touching));
      const close = uffd.close();
      return {
        messages,
        asleep,
        close,
        done: [...read, ...unread].map((touching) => program.finish(touching)),
      };
    },
    expect: {
      messages: ["MINOR read 1", "MISSING read 0"],
      asleep: [true, true, true],
      close: "ok",
      done: [
        { result: "ok", saw: [0] },
        { result: "ok", saw: [2] },
        { result: "ok", saw: [0] },
        { result: "ok", saw: [4] },
        { result: "ok" },
      ],
    },
  },
  {
    name: "close() under a private mapping's waiters, through a system call: they go on, too",
    sleeps: true,
    run(program) {
      const memory = program.map(program.file(2, [1]), 2, MAP_PRIVATE);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const threads = [0, 1].map((page) => program.start(memory, [page], "system call"));
      for (const touching of threads) program.sleeping(uffd, memory, touching);
      return { close: uffd.close(), done: threads.map((touching) => program.finish(touching)) };
    },
    expect: {
      close: "ok",
      done: [
        { result: "ok", saw: [0] },
        { result: "ok", saw: [2] },
      ],
    },
  },
  {
    name: "another userfaultfd's COPY fills the page and wakes nobody, nor does its WAKE",
    sleeps: true,
    run(program) {
      const memory = program.anonymous(1);
      const one = program.userfaultfd();
      const other = program.userfaultfd();
      one.register(memory, MISSING);
      const touching = program.start(memory, [0], "read");
      program.sleeping(one, memory, touching);
      const copy = other.copy(memory, 0, program.source(1));
      const wake = other.wake(memory, 0);
      const asleep = program.stillAsleep(one, touching);
      return { copy, wake, asleep, own: one.wake(memory, 0), done: program.finish(touching) };
    },
    expect: { copy: "ok 4096", wake: "ok", asleep: true, own: "ok", done: { result: "ok", saw: [0xa0] } },
  },
  {
    name: "a page filled with DONTWAKE before anybody touches it raises nothing",
    sleeps: true,
    run(program) {
      const memory = program.anonymous(2);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const before = uffd.zeropage(memory, 0, 1, UFFDIO_ZEROPAGE_MODE_DONTWAKE);
      const touching = program.start(memory, [0, 1], "read");
      const message = text(program.sleeping(uffd, memory, touching));
      return { before, message, fill: uffd.zeropage(memory, 1), done: program.finish(touching) };
    },
    expect: {
      before: "ok 4096",
      message: "MISSING read 1",
      fill: "ok 4096",
      done: { result: "ok", saw: [0, 0] },
    },
  },
  {
    name: "munmap() under a waiter wakes nobody; after WAKE there is nothing to access",
    sleeps: true,
    run(program) {
      const memory = program.map(program.file(2), 2);
      const source = program.source(2);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const touching = program.start(memory, [1], "system call");
      const message = text(program.sleeping(uffd, memory, touching));
      const munmap = program.munmap(memory, 0, 2);
      const copy = uffd.copy(memory, 1, source);
      const asleep = program.stillAsleep(uffd, touching);
      return { message, munmap, copy, asleep, wake: uffd.wake(memory, 1), done: program.finish(touching) };
    },
    expect: {
      message: "MISSING read 1",
      munmap: "ok",
      copy: "ENOENT ENOENT",
      asleep: true,
      wake: "ok",
      done: { result: "EFAULT", saw: [0] },
    },
  },
  {
    name: "MADV_DONTNEED, punching, truncating and pwrite() wake nobody",
    sleeps: true,
    run(program) {
      const fd = program.file(2, [0]);
      const memory = program.map(fd, 2);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      const touching = program.start(memory, [0], "system call");
      const message = text(program.sleeping(uffd, memory, touching));
      const calls = [
        program.madvise(memory, 0, 2, MADV_DONTNEED),
        program.punch(fd, 0, 2),
        program.writeFile(fd, 0, 0x33),
        program.truncate(fd, 0),
      ];
      const asleep = program.stillAsleep(uffd, touching);
      return { message, calls, asleep, wake: uffd.wake(memory, 0), done: program.finish(touching) };
    },
    expect: {
      message: "MINOR read 0",
      calls: ["ok", "ok", 4096, "ok"],
      asleep: true,
      wake: "ok",
      done: { result: "EFAULT", saw: [0] },
    },
  },
  {
    name: "EXACT_ADDRESS: the waiter is inside the page, and COPY and WAKE of the page find it",
    sleeps: true,
    run(program) {
      const memory = program.anonymous(2);
      const uffd = program.userfaultfd(UFFD_FEATURE.EXACT_ADDRESS);
      uffd.register(memory, MISSING);
      const touching = program.start(memory, [0, 1], "read", 4000);
      const first = text(program.sleeping(uffd, memory, touching));
      uffd.wake(memory, 0);
      const second = text(program.sleeping(uffd, memory, touching));
      uffd.zeropage(memory, 0);
      const third = text(program.sleeping(uffd, memory, touching));
      uffd.wake(memory, 0);
      const asleep = program.stillAsleep(uffd, touching);
      uffd.zeropage(memory, 1);
      return { first, second, third, asleep, done: program.finish(touching) };
    },
    expect: {
      first: "MISSING read 0+4000",
      second: "MISSING read 0+4000",
      third: "MISSING read 1+4000",
      asleep: true,
      done: { result: "ok", saw: [0, 0] },
    },
  },
  {
    name: "a read and a write sleep on one page of a private mapping: CONTINUE wakes both, and the write copies by itself",
    sleeps: true,
    run(program) {
      const fd = program.file(1, [0]);
      const memory = program.map(fd, 1, MAP_PRIVATE);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      const reader = program.start(memory, [0], "read", 1);
      const writer = program.start(memory, [0], "write");
      const messages = [reader, writer].map((touching) => text(program.sleeping(uffd, memory, touching)));
      const fill = uffd.continue(memory, 0);
      const done = [reader, writer].map((touching) => program.finish(touching));
      uffd.close();
      return {
        messages: messages.sort(),
        fill,
        done,
        file: program.readFile(fd, 0),
        own: program.readMemory(memory, 0),
      };
    },
    expect: {
      messages: ["MINOR read 0", "MINOR write 0"],
      fill: "ok 4096",
      done: [{ result: "ok", saw: [1] }, { result: "ok" }],
      file: 1,
      own: "80 4095*1",
    },
  },
];
