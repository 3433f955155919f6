// Checks a request's method and path, where no router has checked them before.
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
  if (path !== undefined && (typeof path !== "string" || pathname(path) !== path)) {
    throw new TypeError(`path must be a path such as "/webhook", but is ${typeof path === "string" ? JSON.stringify(path) : kind(path)}.`);
  }
  return (method, url = "/") => {
    if (path !== undefined && pathname(url) !== path) {
      const message = `The path of the request is not ${JSON.stringify(path)}. Correct the webhook's URL in Walnut's settings, or the path option.`;
      throw new WebhookError("not_found", message, 404);
    }
    if (method !== "POST") {
      throw new WebhookError("method_not_allowed", "Webhooks are sent with POST. Send a POST request.", 405);
    }
  };
}

/** Returns the path of a URL, or of a URL without an origin, as in Node's requests; `undefined` for anything else. */
function pathname(url: string): string | undefined {
  const whole = url.startsWith("/") ? `http://localhost${url}` : url;
  return URL.canParse(whole) ? new URL(whole).pathname : undefined;
}
