// The last line of .ci/run: tests passed, failed and skipped, over the JSON reports named as arguments.
import { existsSync, readFileSync } from "node:fs";
import { basename, relative } from "node:path";

const total = { passed: 0, failed: 0, skipped: 0 };

for (const report of process.argv.slice(2)) {
  if (!existsSync(report)) continue;
  for (const file of JSON.parse(readFileSync(report, "utf8")).testResults) {
    const where = `${basename(report, ".json")}: ${relative(process.cwd(), file.name)}`;
    // A file that could not be loaded has no tests to count: it counts as one that failed.
    if (file.status === "failed" && file.assertionResults.length === 0) {
      total.failed++;
      console.log(`failed: ${where}: ${file.message}`);
    }
    for (const { status, fullName } of file.assertionResults) {
      if (status === "passed") total.passed++;
      else if (status === "failed") total.failed++;
      else {
        total.skipped++;
        console.log(`skipped: ${where}: ${fullName}`);
      }
    }
  }
}

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
