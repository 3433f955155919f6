// Shared by the tests of the page for the delivery log.
import { after, before } from "node:test";
import { launch, look as lookAt, open } from "../browser/support.mjs";
import { TOKEN } from "./support.mjs";

/** Markup for names and texts, which the page must show as text. */
export const IMAGE = "<img src=x onerror=alert(1)>";
export const SCRIPT = "</pre><script>alert(1)</script>";

export const DURABLE = { MODE: "durable", ADMIN_TOKEN: TOKEN };

/** Starts the browser for the tests of a file. Returns a function that opens the page of an edge. */
export function browser() {
  let launched;
  before(async () => {
    launched = await launch();
  });
  after(() => launched?.close());
  return (edge, options) => open(launched, `${edge.url}/admin/`, options);
}

export async function signIn(page) {
  await page.fill("#token", TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#tools", { state: "visible" });
}

export const waitForMessage = (page, text) => page.locator("#said", { hasText: text }).waitFor();

/** Checks the page in its current state, and saves a screenshot. */
export const look = (page, name, looks) => lookAt(page, `admin-${name}`, looks);

/** Opens a view by its link. */
export const view = (page, name) => page.click(`#views a[href="#${name}"]`);

/** Shows the filter and the search, which are folded on a phone. */
export const openFinder = (page) => page.evaluate(() => (document.getElementById("finder").open = true));

/** Waits until the line below the list of deliveries says how many are shown. */
export const shown = (page, text) => page.locator("#shown", { hasText: `Shown: ${text}` }).waitFor();

/** The row of the delivery that contains `text`, the ID of the delivery in a row, and the selector of its link. */
export const rowOf = (page, text) => page.locator("#deliveries tbody tr", { hasText: text });
export const idIn = async (row) => (await row.locator("a").first().getAttribute("href")).split("=")[1];
export const linkTo = (id) => `a[href="#delivery=${id}"]`;
