import { expect, test } from "vitest";
import { knowHandleUserfault } from "./know-handle-userfault.js";
import { targetNames } from "./targets.js";

test("who has to know handleUserfault, by placement", () => {
  const core = "fault/do-anonymous-page";
  expect(knowHandleUserfault(targetNames)).toEqual({
    "in-fault": [core, "files/shmem-in-fault"],
    "fault-reason": [core, "placements/fault-reason"],
    "fault-reason-separate": [core, "placements/fault-reason"],
    "lookup-first": [core, "files/shmem-in-fault", "placements/lookup-first"],
    "do-userfault": [core, "placements/do-userfault"],
    "presence-probe": [core, "placements/presence-probe"],
  });
});
