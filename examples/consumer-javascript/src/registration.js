// Which registration a request is of. A sender calls the URL that it registered, so its query tells
// registrations apart: each has keys and seen ids of its own.

const OF_THE_HANDSHAKE = ["handshake", "token"];

// The query without what belongs to a handshake; empty for a URL that has no other.
export function registrationOf(query) {
  const name = (pair) => [...new URLSearchParams(pair).keys()][0];
  const pairs = query.split("&").filter((pair) => pair !== "");
  return pairs.filter((pair) => !OF_THE_HANDSHAKE.includes(name(pair))).join("&");
}

// The name of a registration's value in the key-value store.
export const storeName = (value, registration) =>
  registration === "" ? value : `${value}-${registration}`;

// The name of a registration's id in the table. Neither a query nor an id has a space.
export const scoped = (id, registration) => (registration === "" ? id : `${registration} ${id}`);
