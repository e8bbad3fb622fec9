/** How the program ends. 0: all is well. */
export const ExitCode = {
  /** A check failed. */
  failed: 1,
  usage: 2,
  /** This machine lacks what was asked for by name. */
  lacking: 3,
} as const;

/** Ends the program with one line for a person, and no stack trace. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly exitCode: (typeof ExitCode)[keyof typeof ExitCode],
  ) {
    super(message);
  }
}
