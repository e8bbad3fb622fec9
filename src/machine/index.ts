export * from "./machine.js";
export * from "./userfaultfd.js";
