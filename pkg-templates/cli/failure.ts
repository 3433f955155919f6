/** Why a command could not do what it was told: shown as it stands, without a stack. */
export class Failure extends Error {
  constructor(
    /** A stable word. */
    readonly code: string,
    message: string,
    /** What the process ends with. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** The exit statuses. */
export const OK = 0;
/** Refused, or not as it should be. */
export const REFUSED = 1;
/** Nothing could be tried: wrong usage, no key, a file that can't be read. */
export const NOT_TRIED = 2;
/** As shells have it: 128 and the number of the signal. */
export const INTERRUPTED = 130;
export const PIPE_CLOSED = 141;

/** A mistake in how a command was called. */
export function usage(message: string): Failure {
  return new Failure("usage", message, NOT_TRIED);
}

/** What the system says of a failed call, in its own short words, without a path or a stack. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith("HPE_")) return "what it answers is no HTTP";
  return REASONS[code ?? ""] ?? message;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "the port is in use",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: NODE_EXTRA_CA_CERTS can name it as trusted",
  EADDRNOTAVAIL: "the address is not one of this machine",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was closed without an answer",
  EHOSTUNREACH: "the host can't be reached",
  EISDIR: "it is a folder",
  ENOENT: "there is no such file",
  ENOTDIR: "it is no folder",
  ENOTFOUND: "there is no such host",
  ENOSPC: "the disk is full",
  EPIPE: "the connection was closed without an answer",
  ETIMEDOUT: "the connection timed out",
  ERR_INVALID_CHAR: "a header has a character that HTTP does not allow",
  ERR_INVALID_HTTP_TOKEN: "a header's name has a character that HTTP does not allow",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is of an authority that is not trusted: NODE_EXTRA_CA_CERTS can name it",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is of an authority that is not trusted: NODE_EXTRA_CA_CERTS can name it",
};
