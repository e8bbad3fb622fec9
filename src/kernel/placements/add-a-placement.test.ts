/** The placement that docs/add-a-placement.md adds, as it stands there, does what the page says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { UFFDIO_REGISTER_MODE_MINOR } from "../../abi/index.js";
import type { Placement } from "../fault/fault-path.js";
import { PAGE, Stage } from "../schedule.test-helper.js";

async function fromTheDocs(): Promise<Placement> {
  const page = readFileSync("docs/add-a-placement.md", "utf8");
  const code = /```ts\n(.*?)```/s.exec(page)![1]!;
  const compiled = ts.transpile(code, { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext });
  const dist = pathToFileURL("dist/kernel/placements/").href;
  const folder = mkdtempSync(join(tmpdir(), "userfault-"));
  try {
    const file = join(folder, "minor-probe.mjs");
    writeFileSync(
      file,
      compiled.replaceAll(/from "(\.[^"]+)"/g, (_, path: string) => `from "${new URL(path, dist)}"`),
    );
    return (await import(pathToFileURL(file).href)).minorProbe;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a MINOR round trip, with neither a lock nor a reference to find the page", async () => {
  const stage = new Stage(await fromTheDocs());
  const address = stage.map(stage.file(1, { 0: 7 }), 1);
  const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MINOR);
  stage.kernel.ledger.reset();
  const reader = stage.load("reader", address);
  expect(reader.run()).toBe("blocked");
  expect(stage.kernel.ledger).toMatchObject({ presenceProbes: 1, folioGets: 0, folioLocks: 0, sleeps: 1 });
  const handler = stage.continue("handler", userfaultfd, address);
  handler.run();
  expect(handler.value).toEqual([0, PAGE]);
  expect(reader.run()).toBe("ended");
  expect(reader.value).toBe(7);
  stage.checkInvariants();
});
