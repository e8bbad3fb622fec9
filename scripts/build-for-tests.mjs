// Before the tests: the build, for the threads and processes that tests start. Types are checked elsewhere.
import { execFileSync } from "node:child_process";
import { compileDirect } from "./compile-direct.mjs";

const root = new URL("../", import.meta.url);
const tsc = "node_modules/typescript/bin/tsc";

export default function setup() {
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--noCheck"], {
    cwd: root,
    stdio: "inherit",
  });
  compileDirect();
}
