/**
 * Which files of the executable kernel have to know handle_userfault(), in each placement: the thread's question of exporting it,
 * read from the imports of the code that runs.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { placementOf, type TargetName } from "./targets.js";

const kernel = fileURLToPath(new URL("../kernel", import.meta.url));
const handleUserfault = "userfaultfd/handle-userfault";

/** The core's own way of a fault, which all placements share. */
const core = "fault/handle-mm-fault";

/** A file for each placement; two forms of one share theirs. */
const placementFile = (target: TargetName) =>
  `placements/${target === "fault-reason-separate" ? "fault-reason" : target}`;

export function knowHandleUserfault(
  targets: readonly TargetName[],
): Readonly<Partial<Record<TargetName, readonly string[]>>> {
  const know: Partial<Record<TargetName, readonly string[]>> = {};
  for (const target of targets) {
    if (placementOf(target) === null) continue;
    know[target] = [...reachable([core, placementFile(target)])]
      .filter((file) => !file.startsWith("userfaultfd/") && importsOf(file).includes(handleUserfault))
      .sort();
  }
  return know;
}

/** The files that these import, and those that they import, as paths in kernel/ without their ending. */
function reachable(entries: readonly string[]): Set<string> {
  const found = new Set<string>(entries);
  // A set that grows is walked to its end.
  for (const file of found) {
    for (const imported of importsOf(file)) found.add(imported);
  }
  return found;
}

const cache = new Map<string, readonly string[]>();

function importsOf(file: string): readonly string[] {
  let imports = cache.get(file);
  if (imports === undefined) {
    const path = resolve(kernel, file);
    imports = [...source(path).matchAll(/^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)\.js";/gm)]
      .filter(([statement]) => !statement.startsWith("import type"))
      .map(([, specifier]) => relative(kernel, join(dirname(path), specifier!)))
      .filter((imported) => !imported.startsWith(".."));
    cache.set(file, imports);
  }
  return imports;
}

/** Compiled, or as it was written where tests run it. */
function source(path: string): string {
  try {
    return readFileSync(`${path}.js`, "utf8");
  } catch {
    return readFileSync(`${path}.ts`, "utf8");
  }
}
