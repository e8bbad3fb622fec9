/** What a round calls verified: on a machine that does one thing wrong, it must say so. */
import { expect, test } from "vitest";
import { MAP_ANONYMOUS } from "../abi/index.js";
import { ExecutableMachine, inFault } from "../kernel/index.js";
import type { Machine, Thread } from "../machine/index.js";
import { Expected } from "./content.js";
import { ScenarioRun } from "./round.js";
import { type Sharing, scenarios } from "./scenarios.js";

const PAGES = 8;
const content = Uint8Array.from({ length: PAGES * 4096 }, (_, at) => at * 3);
const order = Uint32Array.from({ length: PAGES }, (_, page) => page);

function verified(
  spoil: (machine: Machine) => Partial<Machine>,
  { scenario: name = "minor-hit", access = "read" as "read" | "write", sharing = "shared" as Sharing } = {},
): boolean {
  const sound = new ExecutableMachine(
    { placement: inFault, memoryBytes: 3 * content.length + 65536 },
    () => 0,
  );
  const machine: Machine = new Proxy(sound as Machine, {
    get(target, property) {
      const spoilt = spoil(target) as Record<PropertyKey, unknown>;
      const value = spoilt[property] ?? Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const scenario = scenarios.find((scenario) => scenario.name === name)!;
  const expected = new Expected(scenario, access, sharing, content, 4096, new Uint8Array(content.length));
  expected.prepare(0);
  const run = new ScenarioRun(machine, sound.thread(), scenario, sharing, expected);
  return run.round(order, true, nothing, nothing).verified;
}
const nothing = () => {};

test("a machine that does all right", () => {
  for (const sharing of ["shared", "private"] as const) {
    expect(verified(() => ({}), { sharing })).toBe(true);
    expect(verified(() => ({}), { sharing, access: "write" })).toBe(true);
  }
});

test("one byte of the memory is wrong", () => {
  const spoil = (machine: Machine): Partial<Machine> => ({
    readMemory(address, into) {
      machine.readMemory(address, into);
      into[into.length - 1]! ^= 1;
    },
  });
  expect(verified(spoil)).toBe(false);
});

test("a store to a private mapping comes to the file", () => {
  const spoil = (machine: Machine): Partial<Machine> => ({
    pread(fd, into, offset) {
      const read = machine.pread(fd, into, offset);
      into[0]! ^= 1;
      return read;
    },
  });
  expect(verified(spoil, { sharing: "private", access: "write" })).toBe(false);
});

test("a touch saw a byte that was not there", () => {
  // The memory is right when it is read as a whole.
  const spoil = (machine: Machine): Partial<Machine> => ({
    serve(fd, thread, milliseconds, answer) {
      const end = machine.serve(fd, thread, milliseconds, answer);
      seen![3]! ^= 1;
      return end;
    },
  });
  let seen: Uint8Array | undefined;
  const touch = ExecutableMachine.prototype.thread;
  ExecutableMachine.prototype.thread = function (this: ExecutableMachine) {
    const thread = touch.call(this);
    const original = thread.touch.bind(thread);
    (thread as Thread).touch = (what) => {
      seen = what.bytes;
      original(what);
    };
    return thread;
  };
  try {
    expect(verified(spoil)).toBe(false);
  } finally {
    ExecutableMachine.prototype.thread = touch;
  }
});

test("memory that is not the file's", () => {
  const spoil = (machine: Machine): Partial<Machine> => ({
    mmap: (length, prot, flags, _fd, offset) =>
      machine.mmap(length, prot, (flags & 2) | MAP_ANONYMOUS | (flags & 1), -1, offset),
  });
  expect(verified(spoil, { scenario: "plain-hit" })).toBe(false);
});
