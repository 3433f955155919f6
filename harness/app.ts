// The page: three views that share the keys. The folder of each view has its name.
import { check, startCheck } from "./check/check.js";
import { compose, startCompose } from "./compose/compose.js";
import { element } from "./page/dom.js";
import { startKeys } from "./page/keys.js";
import { startTabs } from "./page/tabs.js";
import { url } from "./send/settings.js";
import { startSend } from "./send/send.js";

startKeys(() => {
  check();
  compose();
});
startCheck();
startCompose(url);
startSend();
// Copied requests contain the URL of Send.
element("url", HTMLInputElement).addEventListener("input", compose);
startTabs();
check();
