// The client of the API under /admin/. The token exists only in this module's memory.

export const TIMEOUT_MS = 30_000;
const MOST_PAGE = 200;
const MOST_PAGES = 50;
const WRONG_TOKEN = "This is not the edge's ADMIN_TOKEN.";

let token = "";
let onRejected;

/** Sets the token. If the API rejects the token, it is deleted, and `whenRejected(why)` is called. */
export function signIn(entered, whenRejected) {
  token = entered;
  onRejected = whenRejected;
}

export function signedIn() {
  return token !== "";
}

/** Asks the API and returns its JSON. */
export async function ask(method, path, body) {
  return (await request(method, path, body)).json();
}

/**
 * Reads a list until it has `length` items. `items` has the items that were read before. Returns `undefined` if another
 * list is wanted meanwhile.
 */
export async function askList(name, { length, filters, items = [], cursor = null, isWanted }) {
  return readPages({ length, items, cursor, isWanted }, name, (next, limit) =>
    ask("GET", `${name}?${new URLSearchParams({ limit, ...filters, ...next })}`));
}

/** Searches for deliveries in the same way. An answer can be empty, because it covers only a few hundred bodies. */
export async function search(value, wanted) {
  return readPages(wanted, "deliveries", (next) => ask("POST", "search", { ...value, ...next }));
}

async function readPages({ length, items = [], cursor = null, isWanted }, name, read) {
  const all = [...items];
  for (let left = MOST_PAGES; ; left--) {
    const answer = await read(cursor && { cursor }, Math.min(MOST_PAGE, length - all.length));
    if (!isWanted()) return undefined;
    all.push(...answer[name]);
    cursor = answer.cursor;
    if (!cursor || all.length >= length || left === 1) return { ...answer, items: all };
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
    onRejected(WRONG_TOKEN);
  }
  throw problem;
}
