export * from "./do-userfault.js";
export * from "./fault-reason.js";
export * from "./in-fault.js";
export * from "./lookup-first.js";
export * from "./presence-probe.js";
