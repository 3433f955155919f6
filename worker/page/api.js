// The client of the API under /admin/. The token exists only in this module's memory.

export const TIMEOUT_MS = 30_000;
const MOST_PAGE = 200;
const MOST_PAGES = 50;
const WRONG_TOKEN = "This is not the edge's ADMIN_TOKEN.";

let token = "";
let refused;

/** Sets the token. If the API rejects the token, it is deleted, and `whenRefused(why)` is called. */
export function signIn(entered, whenRefused) {
  token = entered;
  refused = whenRefused;
}

export function signedIn() {
  return token !== "";
}

/** Asks the API and returns its JSON. */
export async function ask(method, path, body) {
  return (await request(method, path, body)).json();
}

/** Reads a list until it has a length, after the items in `found`. Returns `undefined` once another list is wanted. */
export async function askList(name, { length, filters, found = [], cursor = null, isWanted }) {
  return pages({ length, found, cursor, isWanted }, name, (next, limit) =>
    ask("GET", `${name}?${new URLSearchParams({ limit, ...filters, ...next })}`));
}

/** Searches for deliveries, in the same way. An answer can be empty, because it covers only a few hundred bodies. */
export async function search(value, wanted) {
  return pages(wanted, "deliveries", (next) => ask("POST", "search", { ...value, ...next }));
}

async function pages({ length, found = [], cursor = null, isWanted }, name, read) {
  const all = [...found];
  for (let left = MOST_PAGES; ; left--) {
    const answer = await read(cursor && { cursor }, Math.min(MOST_PAGE, length - all.length));
    if (!isWanted()) return undefined;
    all.push(...answer[name]);
    cursor = answer.cursor;
    if (!cursor || all.length >= length || left === 1) return { ...answer, found: all };
  }
}

/** Asks the API. Throws an error whose message has the API's code and message. */
export async function request(method, path, body) {
  const response = await fetch(`/admin/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(({ message }) => {
    throw new Error(`network: The edge did not answer. Check the connection, and try again. (${message})`);
  });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  const problem = new Error(`${error?.code ?? response.status}: ${error?.message ?? "the response has no explanation"}`);
  if (response.status === 401) {
    token = "";
    problem.message = WRONG_TOKEN;
    refused(WRONG_TOKEN);
  }
  throw problem;
}
