import { describe, expect, test } from "vitest";
import {
  errnoName,
  MessageBuffer,
  readInt64,
  Struct,
  UFFD_EVENT,
  UFFD_MSG_SIZE,
  UFFDIO_API,
  UFFDIO_CONTINUE,
  UFFDIO_COPY,
  UFFDIO_MOVE,
  UFFDIO_POISON,
  UFFDIO_REGISTER,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  UFFDIO_WRITEPROTECT,
  UFFDIO_ZEROPAGE,
  uffdioApi,
  uffdioCopy,
  VM_FAULT_ERROR,
  VM_FAULT_HINDEX_MASK,
  VM_FAULT_HWPOISON_LARGE,
  VM_FAULT_UFFD_MINOR,
  VM_FAULT_UFFD_MISSING,
  writeInt64,
} from "./index.js";

test("request numbers are those that a C compiler makes of linux/userfaultfd.h", () => {
  expect({
    UFFDIO_API,
    UFFDIO_REGISTER,
    UFFDIO_UNREGISTER,
    UFFDIO_WAKE,
    UFFDIO_COPY,
    UFFDIO_ZEROPAGE,
    UFFDIO_MOVE,
    UFFDIO_WRITEPROTECT,
    UFFDIO_CONTINUE,
    UFFDIO_POISON,
  }).toEqual({
    UFFDIO_API: 0xc018aa3f,
    UFFDIO_REGISTER: 0xc020aa00,
    UFFDIO_UNREGISTER: 0x8010aa01,
    UFFDIO_WAKE: 0x8010aa02,
    UFFDIO_COPY: 0xc028aa03,
    UFFDIO_ZEROPAGE: 0xc020aa04,
    UFFDIO_MOVE: 0xc028aa05,
    UFFDIO_WRITEPROTECT: 0xc018aa06,
    UFFDIO_CONTINUE: 0xc020aa07,
    UFFDIO_POISON: 0xc020aa08,
  });
});

describe("structs", () => {
  test("what is written is read back, little-endian, at the header's offsets", () => {
    const view = uffdioCopy.allocate();
    const copy = { dst: 0x7f12_3456_7000, src: 0x1001, len: 0x2000, mode: 1, copy: -17 };
    uffdioCopy.write(view, copy);
    expect(uffdioCopy.read(view)).toEqual(copy);
    expect([...new Uint8Array(view.buffer, 0, 8)]).toEqual([0x00, 0x70, 0x56, 0x34, 0x12, 0x7f, 0, 0]);
    expect([...new Uint8Array(view.buffer, 32, 8)]).toEqual([0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  });

  test("fields that are not given keep their bytes", () => {
    const view = uffdioCopy.allocate();
    uffdioCopy.write(view, { copy: 4096, mode: 3 });
    uffdioCopy.write(view, { mode: 1 });
    expect(uffdioCopy.read(view)).toMatchObject({ copy: 4096, mode: 1 });
  });

  test("a mask of 64 bits loses none", () => {
    const view = uffdioApi.allocate();
    uffdioApi.write(view, { ioctls: 0x8000_0000_0000_0003n });
    expect(uffdioApi.read(view).ioctls).toBe(0x8000_0000_0000_0003n);
  });

  test("fields of one and four bytes", () => {
    const struct = new Struct("s", 8, { small: [1, "u8"], word: [4, "u32"] });
    const view = struct.allocate();
    struct.write(view, { small: 0x12, word: 0xfedcba98 });
    expect(struct.read(view)).toEqual({ small: 0x12, word: 0xfedcba98 });
    expect([...new Uint8Array(view.buffer)]).toEqual([0, 0x12, 0, 0, 0x98, 0xba, 0xdc, 0xfe]);
  });

  test.each([0, 1, -1, 4096, -11, 2 ** 32 - 1, 2 ** 32, 2 ** 47 - 4096, -(2 ** 32), -(2 ** 40) - 1])(
    "the integer %i",
    (value) => {
      const view = new DataView(new ArrayBuffer(8));
      writeInt64(view, 0, value);
      expect(readInt64(view, 0)).toBe(value);
      expect(view.getBigInt64(0, true)).toBe(BigInt(value));
    },
  );
});

describe("messages", () => {
  test("a PAGEFAULT, written by one kernel and read as of the other", () => {
    const messages = new MessageBuffer(2);
    messages.bytes.fill(0xff);
    messages.writePagefault(1, 5, 0x7f00_0000_3000, 4242);
    expect(messages.event(1)).toBe(UFFD_EVENT.PAGEFAULT);
    expect([messages.flags(1), messages.address(1), messages.threadId(1)]).toEqual([
      5, 0x7f00_0000_3000, 4242,
    ]);
    expect(messages.bytes[UFFD_MSG_SIZE - 1]).toBe(0xff);
    expect([...messages.bytes.subarray(UFFD_MSG_SIZE + 1, UFFD_MSG_SIZE + 8)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test("the other events, as the kernel packs them", () => {
    const messages = new MessageBuffer(1);
    messages.view.setUint8(0, UFFD_EVENT.REMAP);
    for (const [offset, value] of [
      [8, 0x1000],
      [16, 0x2000],
      [24, 0x3000],
    ] as const) {
      messages.view.setBigUint64(offset, BigInt(value), true);
    }
    expect([messages.from(0), messages.to(0), messages.length(0)]).toEqual([0x1000, 0x2000, 0x3000]);
    expect([messages.start(0), messages.end(0)]).toEqual([0x1000, 0x2000]);
    expect(messages.child(0)).toBe(0x1000);
  });
});

test("an errno by its name, with either sign", () => {
  expect([errnoName(-17), errnoName(17), errnoName(-999)]).toEqual(["EEXIST", "EEXIST", "errno 999"]);
});

describe("the reasons that the thread proposes", () => {
  test("MINOR is no bit of any other reason", () => {
    expect(VM_FAULT_UFFD_MINOR & (VM_FAULT_HINDEX_MASK | VM_FAULT_ERROR | 0x7fff)).toBe(0);
  });
  test("MISSING lies inside the size index of a poisoned huge page: with VM_FAULT_HWPOISON_LARGE it means that, not MISSING", () => {
    expect(VM_FAULT_UFFD_MISSING & VM_FAULT_HINDEX_MASK).toBe(VM_FAULT_UFFD_MISSING);
    // Index 1, as VM_FAULT_SET_HINDEX(1) makes it.
    const poisoned = VM_FAULT_HWPOISON_LARGE | (1 << 16);
    expect(poisoned & VM_FAULT_UFFD_MISSING).not.toBe(0);
    // So who tests for MISSING must know that ERROR is not set, or that no ->fault() it calls answers with an index.
    expect(poisoned & VM_FAULT_ERROR).not.toBe(0);
  });
});
