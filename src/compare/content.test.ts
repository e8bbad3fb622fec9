import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pageOrder, spread } from "./compare.js";
import { Expected, readContent, UsageError } from "./content.js";
import { scenarios } from "./scenarios.js";

const PAGE = 16;
const folder = mkdtempSync(join(tmpdir(), "userfault-content-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(bytes: number): string {
  const path = join(folder, `${bytes}`);
  writeFileSync(
    path,
    Uint8Array.from({ length: bytes }, (_, at) => at),
  );
  return path;
}

describe("readContent", () => {
  test("takes the first bytes", () => {
    expect([...readContent(file(40), 16, PAGE)]).toEqual([...Array(16).keys()]);
  });
  test("without a number, all whole pages", () => {
    expect(readContent(file(40), undefined, PAGE)).toHaveLength(32);
  });
  test.each([
    [
      "a file that is not there",
      () => readContent(join(folder, "none"), 16, PAGE),
      /none cannot be read \(ENOENT\)/,
    ],
    ["a folder", () => readContent(folder, 16, PAGE), /cannot be read|has \d+ bytes/],
    ["an empty file", () => readContent(file(0), undefined, PAGE), /has 0 bytes, less than one page/],
    [
      "a file of less than a page",
      () => readContent(file(7), undefined, PAGE),
      /has 7 bytes, less than one page/,
    ],
    ["more than there is", () => readContent(file(40), 64, PAGE), /has 40 bytes, and --bytes asks for 64/],
    [
      "a size that is no number of pages",
      () => readContent(file(40), 17, PAGE),
      /--bytes is 17, which is no number of pages/,
    ],
  ])("%s is the user's mistake", (_, read, message) => {
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });
});

describe("Expected", () => {
  const content = Uint8Array.from({ length: 4 * PAGE }, () => 9);
  const expected = (name: string, access: "read" | "write", sharing: "shared" | "private") => {
    const scenario = scenarios.find((scenario) => scenario.name === name)!;
    return new Expected(scenario, access, sharing, content, PAGE, new Uint8Array(content.length));
  };
  const secondBytes = (memory: Uint8Array) => [0, 1, 2, 3].map((page) => memory[page * PAGE + 1]);

  test("absent pages are zeros where the kernel makes them, and the content where COPY does", () => {
    expect(secondBytes(expected("minor-miss", "read", "shared").memory)).toEqual([0, 0, 0, 0]);
    expect(secondBytes(expected("missing-miss", "read", "shared").memory)).toEqual([9, 9, 9, 9]);
    expect(secondBytes(expected("both", "read", "shared").memory)).toEqual([9, 9, 9, 9]);
  });
  test("the file of a private mapping sees neither stores nor copies", () => {
    const { file } = expected("both", "write", "private");
    expect(secondBytes(file!)).toEqual([9, 0, 9, 0]);
    expect(expected("both", "write", "shared").file).toBe(null);
  });
  test("a store changes the first byte of a page to what was not there, and to another in the next round", () => {
    const writes = expected("plain-hit", "write", "shared");
    writes.prepare(0);
    const first = [...writes.touched];
    expect(first).not.toContain(9);
    expect(first.map((_, page) => writes.memory[page * PAGE])).toEqual(first);
    writes.prepare(1);
    for (const [page, byte] of writes.touched.entries()) {
      expect(byte).not.toBe(9);
      expect(byte).not.toBe(first[page]);
    }
    expect(content.every((byte) => byte === 9)).toBe(true);
  });
  test("a read must see what is there", () => {
    const reads = expected("plain-hit", "read", "shared");
    reads.prepare(3);
    expect([...reads.touched]).toEqual([9, 9, 9, 9]);
  });
});

test("the random order is each page once, and not in order", () => {
  const order = pageOrder(1000, "random");
  expect([...order].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
  expect([...order]).not.toEqual([...Array(1000).keys()]);
  expect([...pageOrder(4, "sequential")]).toEqual([0, 1, 2, 3]);
});

test("median, least and most", () => {
  expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(spread([7])).toEqual({ median: 7, min: 7, max: 7 });
});
