import { visible } from "./sender/visible.js";

/** The error of a command that failed. Its message is shown without a stack. */
export class Failure extends Error {
  constructor(
    /** A stable word, for programs. */
    readonly code: string,
    message: string,
    /** The exit status. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** The exit statuses. */
export const OK = 0;
/** The check failed: a request was rejected, or an endpoint did not respond as expected. */
export const CHECK_FAILED = 1;
/** The command could not run: wrong usage, no key, an unreadable file, an endpoint that can't be reached. */
export const NOT_RUN = 2;
/** As in shells: 128 and the number of the signal. */
export const INTERRUPTED = 130;
export const PIPE_CLOSED = 141;

/** A mistake in how a command was called. */
export function usage(message: string): Failure {
  return new Failure("usage", message, NOT_RUN);
}

/** Describes the error of a system call in a few words, without a path or a stack. */
export function reason(error: unknown): string {
  const { message } = error as Error;
  const named = (error as { code?: unknown }).code;
  // The code of a time limit is a number.
  const code = typeof named === "string" ? named : undefined;
  if (code?.startsWith("HPE_")) return "the response is not HTTP";
  if (/wrong version number|packet length too long/i.test(message)) return "the server answered in plain HTTP: use http:// instead of https://";
  // OpenSSL's message has codes and its source files in it.
  if (code === "EPROTO" || code?.startsWith("ERR_SSL_")) return `the TLS connection failed: ${/:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? code}`;
  return REASONS[code ?? ""] ?? visible(message);
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "the port is in use",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: to trust it, set NODE_EXTRA_CA_CERTS to its file",
  EADDRNOTAVAIL: "the address does not belong to this machine",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was closed without a response",
  EEXIST: "a file has this name",
  EHOSTUNREACH: "the host can't be reached",
  EISDIR: "it is a folder",
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is a file",
  ENOTFOUND: "there is no such host",
  ENOSPC: "the disk is full",
  EPIPE: "the connection was closed without a response",
  EROFS: "the file system is read-only",
  ETIMEDOUT: "the connection timed out",
  ERR_INVALID_CHAR: "a header has a character that HTTP does not allow",
  ERR_INVALID_HTTP_TOKEN: "the name of a header has a character that HTTP does not allow",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate authority is not trusted: to trust it, set NODE_EXTRA_CA_CERTS to its certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate authority is not trusted: to trust it, set NODE_EXTRA_CA_CERTS to its certificate",
};
