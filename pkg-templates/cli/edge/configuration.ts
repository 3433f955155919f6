// The configuration of workerd. It contains no value of a variable, since some are secrets: workerd reads them from its
// environment.

/** As in worker/wrangler.toml. */
export const COMPATIBILITY_DATE = "2026-04-01";

export interface Setup {
  readonly host: string;
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Returns the configuration. The Worker's modules are in a folder of `--import-path`. The folder `inbox`, for the storage, and
 * the socket `control.sock` are in workerd's current folder.
 */
export function configuration({ host, port, variables }: Setup): string {
  const module = (name: string, kind: string) => `(name = "${name}", ${kind} = embed "/${name}")`;
  const binding = (name: string, index: number) => `(name = ${quoted(name)}, fromEnvironment = "${environmentName(index)}")`;
  // A client can send CF-Connecting-IP itself. It counts only if CLIENT_IP_HEADER names it.
  const isTrusted = variables.CLIENT_IP_HEADER?.toLowerCase() === "cf-connecting-ip";
  const http = isTrusted ? "()" : '(injectRequestHeaders = [(name = "CF-Connecting-IP")])';
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (
      modules = [
        ${module("machine.js", "esModule")},
        ${module("index.js", "esModule")},
        ${module("core_bg.wasm", "wasm")},
      ],
      compatibilityDate = "${COMPATIBILITY_DATE}",
      bindings = [
        (name = "INBOX", durableObjectNamespace = "Inbox"),
        ${Object.keys(variables).map(binding).join(",\n        ")}
      ],
      durableObjectNamespaces = [(className = "Inbox", uniqueKey = "walnut-webhooks-Inbox", enableSql = true)],
      durableObjectStorage = (localDisk = "inbox"),
      globalOutbound = "network"
    )),
    (name = "network", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    (name = "inbox", disk = (path = "inbox", writable = true)),
  ],
  sockets = [
    (name = "http", address = ${quoted(`${host.includes(":") ? `[${host}]` : host}:${port}`)}, http = ${http}, service = "edge"),
    (name = "control", address = "unix:control.sock", http = (), service = (name = "edge", entrypoint = "machine")),
  ],
);
`;
}

/** The environment of workerd. Names from the user, such as LD_PRELOAD, could change workerd itself, so none is used. */
export function environment(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.values(variables).map((value, index) => [environmentName(index), value]));
}

const environmentName = (index: number) => `EDGE_VARIABLE_${index}`;

/** Quotes a text for Cap'n Proto: each byte that is not visible ASCII is escaped. */
function quoted(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /^[ !#-[\]-~]$/.test(character) ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
