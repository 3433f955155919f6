// Calls the Lambda function with events in the payload format 2.0 of API Gateway.
import { join } from "node:path";
import { test } from "node:test";
import { patience, receives, root, signed, start } from "./support.mjs";

// Loads the function once and calls it for each event, like Lambda.
const runtime = `
  import { createInterface } from "node:readline";
  import { handler } from "./index.mjs";
  for await (const line of createInterface({ input: process.stdin })) {
    console.log("answer " + JSON.stringify(await handler(JSON.parse(line))));
  }
`;

for (const isBase64Encoded of [false, true]) {
  test(`lambda: verifies a body ${isBase64Encoded ? "in Base64" : "as text"}`, patience, async (t) => {
    const lambda = start(t, [process.execPath, "--input-type=module", "--eval", runtime], {
      cwd: join(root, "examples/lambda"),
      input: "pipe",
    });
    let answers = 0;
    const invoke = async (body, headers = signed(body)) => {
      const event = {
        version: "2.0",
        routeKey: "$default",
        rawPath: "/webhook",
        rawQueryString: "",
        headers: { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)), ...headers },
        requestContext: { domainName: "id.lambda-url.eu-west-1.on.aws", http: { method: "POST", path: "/webhook" } },
        body: Buffer.from(body).toString(isBase64Encoded ? "base64" : "utf8"),
        isBase64Encoded,
      };
      lambda.stdin.write(`${JSON.stringify(event)}\n`);
      answers += 1;
      const line = await lambda.printed(/^answer /, answers);
      const answer = JSON.parse(line.replace("answer ", ""));
      return { status: answer.statusCode, ...JSON.parse(answer.body) };
    };
    await receives(lambda, invoke);
  });
}
