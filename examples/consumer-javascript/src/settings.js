// The operator's settings, from the app's variables.

import { get as variable } from "fermyon:spin/variables@2.0.0";

const SCHEMES = ["plain", "wss", "standard"];

// Reads all settings. Throws an error that names the first malformed one.
export const readSettings = () => ({
  weakest: scheme("weakest_scheme"),
  tolerance: number("tolerance_seconds"),
  retryHorizon: number("retry_horizon_seconds"),
  seenIdsMax: number("seen_ids_max", 1),
  keyOverlap: number("key_overlap_seconds"),
});

// Returns the time until which an id is remembered: for the retry horizon, and at least for as long
// as the signature is fresh.
export function rememberUntil({ retryHorizon, tolerance }, now, signedAt) {
  return Math.max(now + retryHorizon, Number(signedAt ?? 0) + tolerance + 1);
}

function scheme(name) {
  const value = variable(name);
  if (SCHEMES.includes(value)) return value;
  throw new Error(`variable \`${name}\` is \`${value}\`; expected one of: ${SCHEMES.join(", ")}`);
}

// Reads a variable that is `true` or `false`.
export function readSwitch(name) {
  const value = variable(name);
  if (["true", "false"].includes(value)) return value === "true";
  throw new Error(`variable \`${name}\` is \`${value}\`; expected \`true\` or \`false\``);
}

function number(name, min = 0) {
  const value = variable(name);
  if (/^[0-9]{1,10}$/.test(value) && Number(value) >= min) return Number(value);
  const wanted = `a whole number of at most ten digits, ${min} or more`;
  throw new Error(`variable \`${name}\` is \`${value}\`; expected ${wanted}`);
}
