#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { addCompare } from "./compare.js";
import { ExitCode, Failure } from "./exit.js";

const program = new Command("userfault")
  .description("Page faults in user space: Linux's fault path, executable, beside the running kernel")
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "userfault: ")) });
addCompare(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : ExitCode.usage;
  } else if (error instanceof Failure) {
    console.error(`userfault: ${error.message}`);
    process.exitCode = error.exitCode;
  } else {
    // A defect of ours: its place in the code is what we need to be told.
    console.error(error);
    process.exitCode = ExitCode.failed;
  }
}
