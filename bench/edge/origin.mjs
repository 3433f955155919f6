// A quick origin, and one that never answers, in a process of their own. No HTTP library: the origin must cost
// little beside the Worker that is measured. It takes a request with a Content-Length, as Workers send them,
// and answers it once all of it has come.
import { once } from "node:events";
import { createServer } from "node:net";
import { serve } from "./child.mjs";

const ANSWER = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken");
const END = "\r\n\r\n";

let taken = 0;
let awaited = { count: Infinity };

function took() {
  taken++;
  if (taken === awaited.count) awaited.resolve();
}

function quick(socket) {
  let pieces = [];
  let held = 0;
  let wanted = 0; // bytes of the request that is coming in, once its head is there
  socket.setNoDelay(true);
  socket.on("error", () => {}); // who measures is told by the Worker's answer
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
      took();
    }
  });
}

/** Bytes of a request, head and body, or 0 while its head is not complete. */
function length(bytes) {
  const end = bytes.indexOf(END);
  if (end === -1) return 0;
  const [, body] = /\r\ncontent-length: (\d+)\r/i.exec(bytes.latin1Slice(0, end + 2)) ?? [];
  if (body === undefined) throw new Error("a request came without a Content-Length");
  return end + END.length + Number(body);
}

async function listen(answer) {
  const server = createServer(answer);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${server.address().port}/webhook`;
}

serve(async ({ open, forget, until }) => {
  if (open) return { quick: await listen(quick), silent: await listen((socket) => socket.resume().on("error", () => {})) };
  if (forget) taken = 0;
  // Answers once so many have come since it was told to forget.
  if (until !== undefined && taken < until) await new Promise((resolve) => (awaited = { count: until, resolve }));
  return { taken };
});
