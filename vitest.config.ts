import { fileURLToPath, pathToFileURL } from "node:url";
import type { Plugin } from "vitest/config";
import { defineConfig } from "vitest/config";

const src = new URL("src/", import.meta.url).href;
const dist = new URL("dist/", import.meta.url).href;

/**
 * A thread or a process that a test starts is loaded by Node, which may not know TypeScript: in tests,
 * `new URL("./worker.js", import.meta.url)` leads to the build. scripts/build-for-tests.mjs has made it.
 */
const threadsRunTheBuild: Plugin = {
  name: "threads-run-the-build",
  enforce: "pre",
  transform(code, id) {
    if (!id.startsWith(fileURLToPath(src))) return undefined;
    const file = pathToFileURL(id).href.replace(src, dist);
    return code.replaceAll(
      /\bnew URL\(\s*("\.[^"]*\.js"),\s*import\.meta\.url,?\s*\)/g,
      (_, path: string) => `new URL(${path}, ${JSON.stringify(file)})`,
    );
  },
};

export default defineConfig({
  plugins: [threadsRunTheBuild],
  test: {
    include: ["src/**/*.test.ts"],
    globalSetup: "scripts/build-for-tests.mjs",
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ["default"],
  },
});
