// The API under /admin/. The token is in this module's memory and nowhere else.

export const TIMEOUT_MS = 30_000;
const MOST_PAGE = 200;

let token = "";
let refused;

/** Takes a token; `whenRefused(why)` is called if the API refuses it, which forgets it. */
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

/** Reads a list until it has a length, on from what was found before; nothing once another list is wanted. */
export async function askList(path, { length, filters, found = [], cursor = null, isWanted }) {
  const all = [...found];
  for (;;) {
    const limit = Math.min(MOST_PAGE, length - all.length);
    const answer = await ask("GET", `${path}?${new URLSearchParams({ limit, ...filters, ...(cursor && { cursor }) })}`);
    if (!isWanted()) return undefined;
    all.push(...answer[path]);
    cursor = answer.cursor;
    if (cursor === null || all.length >= length) return { ...answer, found: all };
  }
}

/** Asks the API, and throws an error whose message has its code and words. */
export async function request(method, path, body) {
  const response = await fetch(`/admin/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(({ message }) => {
    throw new Error(`network: the Worker has not answered: look at the connection, and try again. (${message})`);
  });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  const problem = new Error(`${error?.code ?? response.status}: ${error?.message ?? "the answer says no more"}`);
  if (response.status === 401) {
    token = "";
    refused(problem.message);
  }
  throw problem;
}
