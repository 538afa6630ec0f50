// Registrations. A sender calls the URL that it registered, so the query identifies the
// registration: each has its own keys and ids.

const HANDSHAKE_PARAMETERS = ["handshake", "token"];

// Returns the query without the parameters of a handshake; empty for a URL without others.
export function registrationOf(query) {
  const name = (pair) => [...new URLSearchParams(pair).keys()][0];
  const pairs = query.split("&").filter((pair) => pair !== "");
  return pairs.filter((pair) => !HANDSHAKE_PARAMETERS.includes(name(pair))).join("&");
}

// Returns the name of a registration's value in the key-value store.
export const storeName = (value, registration) =>
  registration === "" ? value : `${value}-${registration}`;

// Returns the name of a registration's id in the table. Neither a query nor an id has a space.
export const scoped = (id, registration) => (registration === "" ? id : `${registration} ${id}`);
