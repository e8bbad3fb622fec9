/**
 * Random programs in random schedules: whatever happens, the kernel is consistent afterwards, nobody sleeps who could not be woken,
 * and nobody saw a byte that was never there.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { UFFDIO_REGISTER_MODE_MINOR, UFFDIO_REGISTER_MODE_MISSING } from "../abi/index.js";
import {
  doUserfault,
  faultReason,
  faultReasonSeparate,
  inFault,
  lookupFirst,
  presenceProbe,
} from "./placements/index.js";
import { type Actor, PAGE, Stage } from "./schedule.test-helper.js";

const placements = [inFault, faultReason, faultReasonSeparate, lookupFirst, doUserfault, presenceProbe];
const PAGES = 3;
const IN_FILE = 0x11;
const COPIED = 0x22;
const STORED = 0x33;

const page = fc.nat({ max: PAGES - 1 });
const call = fc.oneof(
  fc.record({ call: fc.constantFrom("load", "store", "copy", "continue", "wake", "punch"), page }),
  fc.record({ call: fc.constantFrom("unregister", "close", "truncate", "munmap", "read"), page }),
);
const program = fc.record({
  sharing: fc.constantFrom("shared" as const, "private" as const),
  mode: fc.constantFrom(
    UFFDIO_REGISTER_MODE_MISSING,
    UFFDIO_REGISTER_MODE_MINOR,
    UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR,
  ),
  cached: fc.uniqueArray(page),
  faultAroundPages: fc.constantFrom(1, 4),
  calls: fc.array(call, { minLength: 2, maxLength: 6 }),
  schedule: fc.array(fc.nat({ max: 5 }), { maxLength: 120 }),
});

test.each(placements)("$name", (placement) => {
  fc.assert(
    fc.property(program, ({ sharing, mode, cached, faultAroundPages, calls, schedule }) => {
      const stage = new Stage(placement, faultAroundPages);
      const fd = stage.file(PAGES, Object.fromEntries(cached.map((index) => [index, IN_FILE])));
      const address = stage.map(fd, PAGES, sharing);
      const source = stage.map(stage.file(1, { 0: COPIED }), 1);
      const userfaultfd = stage.userfaultfd(address, PAGES, mode);
      const loads: Actor<number>[] = [];
      const actors = calls.map(({ call, page }, index) => {
        const name = `${call} ${index}`;
        const at = address + page * PAGE;
        switch (call) {
          case "load": {
            const load = stage.load(name, at);
            loads.push(load);
            return load;
          }
          case "store":
            return stage.store(name, at, STORED);
          case "copy":
            return stage.copy(name, userfaultfd, at, source);
          case "continue":
            return stage.continue(name, userfaultfd, at);
          case "wake":
            return stage.wake(name, userfaultfd, at);
          case "punch":
            return stage.punch(name, fd, page);
          case "unregister":
            return stage.unregister(name, userfaultfd, at);
          case "close":
            return stage.close(name, userfaultfd);
          case "truncate":
            return stage.truncate(name, fd, page);
          case "munmap":
            return stage.munmap(name, at, 1);
          default:
            return stage.read(name, userfaultfd);
        }
      });
      const runnable = () => actors.filter((actor) => !actor.done && !actor.blocked);
      // In turn: a fault whose userfaultfd is being closed is taken again and again until the closing task has had its turn.
      const finish = () => {
        for (let turns = 0; runnable().length > 0; turns++) {
          if (turns > 1000) throw new Error(`${runnable().map(({ task }) => task.name)} go round in circles`);
          for (const actor of actors) if (!actor.done && !actor.blocked) actor.step();
        }
      };
      for (const choice of schedule) {
        const some = runnable();
        if (some.length === 0) break;
        some[choice % some.length]!.step();
      }
      finish();
      // Who sleeps now waits for a handler. Closing is what frees everybody, unless the fault was lost to UNREGISTER.
      stage.close("rescue", userfaultfd).run();
      finish();
      const lost = actors.filter(({ done }) => !done);
      for (const { task } of lost) {
        expect(calls.map(({ call }) => call)).toContain("unregister");
        task.wake();
      }
      finish();
      expect(actors.filter(({ done }) => !done).map(({ task }) => task.name)).toEqual([]);
      for (const { value } of loads) expect([0, IN_FILE, COPIED, STORED, -7, -11]).toContain(value);
      stage.checkInvariants();
    }),
    { numRuns: 3000 },
  );
});
