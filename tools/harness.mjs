// Serves the harness page, with the built package below it at pkg/.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const root = join(import.meta.dirname, "..");
const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The file that a path stands for, or nothing. */
function file(path) {
  const name = normalize(decodeURIComponent(path)).replace(/\/$/, "/index.html");
  const found = name.startsWith("/pkg/") ? join(root, name) : join(root, "harness", name);
  return statSync(found, { throwIfNoEntry: false })?.isFile() && extname(found) in types ? found : undefined;
}

/** Starts the page on loopback; `port` 0 is any. Returns its `url` and `stop`. */
export async function startHarness(port = 0) {
  const server = createServer((request, response) => {
    let found;
    try {
      found = file(new URL(request.url, "http://harness").pathname);
    } catch {
      return response.writeHead(400).end(); // no URL, or no UTF-8 in it
    }
    if (found === undefined) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": types[extname(found)],
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    createReadStream(found).pipe(response);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
