// The check of a request's method and path, where no router has done it before.
import { WebhookError } from "./error.js";
import { kind } from "./options.js";

export interface HeadOptions {
  /**
   * The path that Walnut posts to, such as `/webhook`; any other is answered 404. A query is not compared. By default,
   * every path is accepted.
   */
  path?: string | undefined;
}

/**
 * Makes the function that checks a request's head.
 *
 * @throws TypeError when `path` is not a path.
 */
export function headChecker({ path }: HeadOptions): (method: string | undefined, url: string | undefined) => void {
  if (path !== undefined && (typeof path !== "string" || !path.startsWith("/"))) {
    throw new TypeError(`path must be a string that begins with "/", but is ${typeof path === "string" ? JSON.stringify(path) : kind(path)}.`);
  }
  return (method, url = "/") => {
    // The base is for Node, where a URL is only a path.
    if (path !== undefined && new URL(url, "http://localhost").pathname !== path) {
      throw new WebhookError("not_found", "Nothing is at this path. Check the webhook's URL in Walnut's settings.", 404);
    }
    if (method !== "POST") {
      throw new WebhookError("method_not_allowed", "Webhooks are sent with POST. Send a POST request.", 405);
    }
  };
}
