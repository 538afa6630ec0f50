// What an operator chooses, as the app's variables have it.

import { get as variable } from "fermyon:spin/variables@2.0.0";

const SCHEMES = ["plain", "wss", "standard"];

// All of them. Throws an error that names the first that is malformed.
export const readSettings = () => ({
  weakest: scheme("weakest_scheme"),
  tolerance: number("tolerance_seconds"),
  retryHorizon: number("retry_horizon_seconds"),
  seenIdsMax: number("seen_ids_max", 1),
  keyOverlap: number("key_overlap_seconds"),
});

// For the retry horizon, and never for less than the signature could be sent again.
export function rememberUntil({ retryHorizon, tolerance }, now, signedAt) {
  return Math.max(now + retryHorizon, Number(signedAt ?? 0) + tolerance + 1);
}

function scheme(name) {
  const value = variable(name);
  if (SCHEMES.includes(value)) return value;
  throw new Error(`variable \`${name}\` is \`${value}\`, and has to be one of: ${SCHEMES.join(", ")}`);
}

// A variable that is `true` or `false`.
export function readSwitch(name) {
  const value = variable(name);
  if (["true", "false"].includes(value)) return value === "true";
  throw new Error(`variable \`${name}\` is \`${value}\`, and has to be \`true\` or \`false\``);
}

function number(name, least = 0) {
  const value = variable(name);
  if (/^[0-9]{1,10}$/.test(value) && Number(value) >= least) return Number(value);
  const wanted = `a whole number of at most ten digits, ${least} or more`;
  throw new Error(`variable \`${name}\` is \`${value}\`, and has to be ${wanted}`);
}
