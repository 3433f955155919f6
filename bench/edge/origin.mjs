// A fast origin, and one that never answers, in a separate process. The process uses no HTTP library, because it must
// cost little compared with the measured Worker. The fast origin requires a Content-Length, which Workers send, and
// answers once the whole request has arrived.
import { once } from "node:events";
import { createServer } from "node:net";
import { serve } from "./child.mjs";

const ANSWER = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken");
const END = "\r\n\r\n";

let received = 0;
let awaited = { count: Infinity };

function countRequest() {
  received++;
  if (received === awaited.count) awaited.resolve();
}

function quick(socket) {
  let pieces = [];
  let held = 0;
  let wanted = 0; // bytes of the current request, once its head has arrived
  socket.setNoDelay(true);
  socket.on("error", () => {}); // the Worker's answer shows the failure
  socket.on("data", (piece) => {
    pieces.push(piece);
    held += piece.length;
    while (held > 0) {
      if (wanted === 0) {
        if (pieces.length > 1) pieces = [Buffer.concat(pieces)];
        wanted = length(pieces[0]);
      }
      if (wanted === 0 || held < wanted) return;
      const rest = held === wanted ? undefined : Buffer.concat(pieces).subarray(wanted);
      pieces = rest ? [rest] : [];
      held -= wanted;
      wanted = 0;
      socket.write(ANSWER);
      countRequest();
    }
  });
}

/** Returns the bytes of a request, head and body, or 0 while its head is incomplete. */
function length(bytes) {
  const end = bytes.indexOf(END);
  if (end === -1) return 0;
  const [, body] = /\r\ncontent-length: (\d+)\r/i.exec(bytes.latin1Slice(0, end + 2)) ?? [];
  if (body === undefined) throw new Error("a request has no Content-Length");
  return end + END.length + Number(body);
}

async function listen(answer) {
  const server = createServer(answer);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${server.address().port}/webhook`;
}

serve(async ({ open, reset, until }) => {
  if (open) return { quick: await listen(quick), silent: await listen((socket) => socket.resume().on("error", () => {})) };
  if (reset) received = 0;
  // Answers once `until` requests have arrived since the last reset.
  if (until !== undefined && received < until) await new Promise((resolve) => (awaited = { count: until, resolve }));
  return { received };
});
