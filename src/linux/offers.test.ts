import { readFileSync } from "node:fs";
import { release } from "node:os";
import { describe, expect, test } from "vitest";
import { whatLinuxOffers } from "./offers.js";

test("names the kernel, says why, and what would mend it only where something is wrong", () => {
  const offer = whatLinuxOffers();
  expect(offer.release).toBe(release());
  expect(offer.why).not.toBe("");
  if (offer.userfaultfd) expect(offer.mend).toBe("");
});

const root = process.geteuid?.() === 0 && process.platform === "linux";
const setting = root ? readFileSync("/proc/sys/vm/unprivileged_userfaultfd", "utf8").trim() : "";
const skipped = !root
  ? "not run by root"
  : setting !== "0"
    ? `vm.unprivileged_userfaultfd is ${setting}`
    : "";

describe.skipIf(skipped !== "")(`an unprivileged user${skipped && `: SKIPPED, ${skipped}`}`, () => {
  test("is told what mends it", () => {
    const NOBODY = 65534;
    process.seteuid!(NOBODY);
    let offer: ReturnType<typeof whatLinuxOffers>;
    try {
      offer = whatLinuxOffers();
    } finally {
      process.seteuid!(0);
    }
    expect(offer.userfaultfd).toBe(false);
    expect(offer.why).toContain("EPERM");
    expect(offer.mend).toContain("sudo sysctl -w vm.unprivileged_userfaultfd=1");
  });
});
