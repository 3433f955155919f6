// The page: three views that share the keys. What each does is in the folder of its name.
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
// What is copied goes where Send does.
element("url", HTMLInputElement).addEventListener("input", compose);
startTabs();
check();
