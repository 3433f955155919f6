// A small stand-in for Cloudflare's API, which the real wrangler calls, because the service can't run here. It stores Workers
// with their variables and secrets, and runs a deployed Worker in the real workerd.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { startEdge } from "../../pkg-cli/edge/workerd.js";
import { folder } from "./support.mjs";

const { default: workerd } = createRequire(join(import.meta.dirname, "../../node_modules/wrangler/package.json"))("workerd");

export const ACCOUNT = "0123456789abcdef0123456789abcdef";
/** A label of a host name has at most 63 characters, so no resolver finds this one. */
const SUBDOMAIN = "s".repeat(64);
/** The errors of the real API. */
const NOT_FOUND = { status: 404, code: 10_007, message: "This Worker does not exist on your account." };
const NO_SERVICE = { status: 404, code: 10_090, message: "This service does not exist on this account." };
const NO_USER_TOKEN = { status: 401, code: 1000, message: "Invalid API Token" };
export const UNAUTHORIZED = { status: 403, code: 10_000, message: "Authentication error" };

/**
 * Starts the stand-in. `env` makes wrangler use it, and `url` is the address of the deployed Worker. `workers` maps the name
 * of each Worker to its `vars`, `secrets`, number of `deployments`, and `metadata` and `parts` of the last upload. `failures`
 * maps the method and path of a call, below the account's `/workers`, to the error that the stand-in answers. A function in
 * the place of the error gets the response, and answers itself. `unknown` lists the calls that the stand-in does not know.
 */
export async function cloudflare(t) {
  const workers = new Map();
  const failures = new Map();
  const unknown = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    const call = `${request.method} ${pathname.replace(`/accounts/${ACCOUNT}/workers`, "")}`;
    if (typeof failures.get(call) === "function") return failures.get(call)(response);
    const { status, result, error } = await answer(request, call).catch((error) => ({ status: 500, error: { code: 1, message: `${error}` } }));
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: error === undefined, errors: error === undefined ? [] : [error], messages: [], result: result ?? null }));
  });

  async function answer(request, call) {
    const fail = ({ status, code, message }) => ({ status, error: { code, message } });
    if (failures.has(call)) return fail(failures.get(call));
    const ok = (result) => ({ status: 200, result });
    if (request.headers.authorization !== "Bearer token-of-the-test") return fail(call === "GET /user/tokens/verify" ? NO_USER_TOKEN : UNAUTHORIZED);
    const [, name] = /^\w+ \/(?:scripts|services)\/([\w-]+)/.exec(call) ?? [];
    const worker = workers.get(name);
    switch (call.replace(name, "NAME")) {
      case "GET /subdomain":
        return ok({ subdomain: SUBDOMAIN });
      case "GET /scripts":
        return ok([...workers].map(([id, { migration }]) => ({ id, migration_tag: migration })));
      case "GET /services/NAME":
        if (worker === undefined) return fail(NO_SERVICE);
        return ok({ default_environment: { environment: "production", script: { tag: worker.tag, tags: null, last_deployed_from: "wrangler" } } });
      case "PUT /scripts/NAME":
      case "POST /scripts/NAME/versions": {
        const form = await body(request).formData();
        const metadata = JSON.parse(form.get("metadata"));
        const vars = metadata.bindings.filter(({ type }) => type === "plain_text").map(({ name, text }) => [name, text]);
        const { secrets = {}, deployments = 0, migration, tag = randomUUID() } = worker ?? {};
        const parts = [...form.keys()];
        workers.set(name, { ...worker, vars: Object.fromEntries(vars), secrets, tag, metadata, parts, deployments: deployments + 1, migration: metadata.migrations?.new_tag ?? migration });
        await restart(name);
        return ok({ id: randomUUID(), deployment_id: randomUUID(), startup_time_ms: 5, resources: { script: { etag: "etag" } } });
      }
      case "GET /scripts/NAME/deployments":
        return ok({ deployments: [] });
      case "POST /scripts/NAME/deployments":
        return ok({ id: randomUUID() });
      case "PATCH /scripts/NAME/script-settings":
      case "PUT /scripts/NAME/domains/records":
        return ok({});
      case "GET /scripts/NAME/settings":
        return ok({ bindings: worker.metadata.bindings });
      case "GET /scripts/NAME/subdomain":
        return ok(worker.subdomain ?? { enabled: true, previews_enabled: true });
      case "POST /scripts/NAME/subdomain":
        worker.subdomain = await body(request).json();
        return ok(worker.subdomain);
      case "PUT /scripts/NAME/schedules":
        return ok({ schedules: [] });
      case "GET /user/tokens/verify":
        return ok({ status: "active" });
      case "GET /user":
        return ok({ email: "user@example.com" });
      case "GET /accounts":
        return ok([{ id: ACCOUNT, name: "test" }]);
      case "GET /scripts/NAME/secrets":
        return worker === undefined ? fail(NOT_FOUND) : ok(Object.keys(worker.secrets).map((name) => ({ name, type: "secret_text" })));
      case "PUT /scripts/NAME/secrets": {
        if (worker === undefined) return fail(NOT_FOUND);
        const { name: secret, text } = await body(request).json();
        worker.secrets[secret] = text;
        await restart(name);
        return ok({ name: secret, type: "secret_text" });
      }
    }
    unknown.push(call);
    return fail({ status: 404, code: 7003, message: `the stand-in does not know ${call}` });
  }

  const edges = new Map();
  const data = folder(t);
  const stop = async (name) => {
    await edges.get(name)?.stop(1000);
    edges.delete(name);
  };
  /** Runs the deployed Worker, with its variables and secrets, on its storage. */
  async function restart(name) {
    await stop(name);
    const { vars, secrets } = workers.get(name);
    edges.set(name, await startEdge({ workerd, data: join(data, name), owner: "start", host: "127.0.0.1", port: 0, variables: { ...vars, ...secrets }, log: () => {} }));
  }
  /** Passes a request to the deployed Worker, at an address that is known before it is deployed. */
  const proxy = createServer(async (request, response) => {
    const { status, text } = await edgeAnswer(request);
    response.writeHead(status).end(text);
  });
  async function edgeAnswer(request) {
    const [edge] = edges.values();
    if (edge === undefined) return { status: 404, text: "there is nothing here yet" };
    const answered = await fetch(`${edge.url}${request.url}`);
    return { status: answered.status, text: await answered.text() };
  }

  const listen = async (server) => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${server.address().port}`;
  };
  const [api, url] = [await listen(server), await listen(proxy)];
  t.after(async () => {
    for (const name of [...edges.keys()]) await stop(name);
    for (const one of [server, proxy]) {
      one.close();
      one.closeAllConnections();
    }
  });
  const env = { CLOUDFLARE_API_BASE_URL: api, CLOUDFLARE_API_TOKEN: "token-of-the-test", CLOUDFLARE_ACCOUNT_ID: ACCOUNT, WRANGLER_SEND_METRICS: "false" };
  return { env, url, workers, failures, unknown };
}

/** The body of a request. */
function body(request) {
  return new Response(request, { headers: { "content-type": request.headers["content-type"] } });
}
