// Answers 413 to every request, and closes the connection before it has read the body. KIND selects how.
import { createServer as createHttp } from "node:http";
import { createServer } from "node:net";

const ANSWER = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\nno";

function raw(answer) {
  return createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => answer(socket.pause()));
  });
}

const kinds = {
  closed: () => raw((socket) => socket.end(ANSWER, () => socket.destroy())),
  reset: () => raw((socket) => socket.write(ANSWER, () => socket.resetAndDestroy())),
  node: () => createHttp((_request, response) => response.writeHead(413, { connection: "close" }).end("no")),
};

const server = kinds[process.env.KIND]().listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
