/**
 * What is compared: a mapping registered so, a page cache filled so, touched page by page.
 */
import { UFFDIO_REGISTER_MODE_MINOR, UFFDIO_REGISTER_MODE_MISSING } from "../abi/index.js";

export type Sharing = "shared" | "private";

export interface Scenario {
  readonly name: string;
  /** UFFDIO_REGISTER_MODE_*; 0: not registered. */
  readonly mode: number;
  /** Which pages of the file are in the page cache before. */
  readonly cached: "all" | "none" | "every second";
  /** false: the kernel maps one page a fault. Not settable on the running kernel without touching the whole machine. */
  readonly faultAround: boolean;
  /** What happens, for a reader. */
  readonly text: string;
}

const MISSING = UFFDIO_REGISTER_MODE_MISSING;
const MINOR = UFFDIO_REGISTER_MODE_MINOR;

export const scenarios = [
  {
    name: "plain-hit",
    mode: 0,
    cached: "all",
    faultAround: true,
    text: "not registered, page cached: maps, reads with fault-around",
  },
  {
    name: "plain-hit-no-fault-around",
    mode: 0,
    cached: "all",
    faultAround: false,
    text: "not registered, page cached: maps one page a fault",
  },
  {
    name: "plain-miss",
    mode: 0,
    cached: "none",
    faultAround: true,
    text: "not registered, page absent: allocates",
  },
  {
    name: "minor-hit",
    mode: MINOR,
    cached: "all",
    faultAround: true,
    text: "registered MINOR, page cached: message, CONTINUE, resume",
  },
  {
    name: "minor-miss",
    mode: MINOR,
    cached: "none",
    faultAround: true,
    text: "registered MINOR, page absent: allocates silently",
  },
  {
    name: "missing-miss",
    mode: MISSING,
    cached: "none",
    faultAround: true,
    text: "registered MISSING, page absent: message, COPY, resume",
  },
  {
    name: "missing-hit",
    mode: MISSING,
    cached: "all",
    faultAround: true,
    text: "registered MISSING, page cached: maps silently, reads with fault-around, writes without",
  },
  {
    name: "missing-hit-no-fault-around",
    mode: MISSING,
    cached: "all",
    faultAround: false,
    text: "registered MISSING, page cached: maps silently, one page a fault",
  },
  {
    name: "both",
    mode: MISSING | MINOR,
    cached: "every second",
    faultAround: true,
    text: "registered MISSING and MINOR, every second page cached: each page gets its own kind of message",
  },
  {
    name: "past-the-end",
    mode: MISSING | MINOR,
    cached: "all",
    faultAround: true,
    text: "registered MISSING and MINOR, one access by a system call past the end of the file",
  },
] as const satisfies readonly Scenario[];

export type ScenarioName = (typeof scenarios)[number]["name"];
