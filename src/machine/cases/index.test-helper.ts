import { apiCases } from "./api.test-helper.js";
import type { Case } from "./case.test-helper.js";
import { faultCases } from "./fault.test-helper.js";
import { fillCases } from "./fill.test-helper.js";
import { memoryCases } from "./memory.test-helper.js";
import { registerCases } from "./register.test-helper.js";
import { sleepCases } from "./sleep.test-helper.js";

export type { Case } from "./case.test-helper.js";
export { Program } from "./case.test-helper.js";

export const cases: readonly Case[] = [
  ...apiCases,
  ...registerCases,
  ...fillCases,
  ...faultCases,
  ...sleepCases,
  ...memoryCases,
];
