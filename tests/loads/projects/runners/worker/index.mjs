import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";
import { demoSession, sampleDelivery, signedRequest } from "walnut-webhooks/testing";

export default {
  async fetch() {
    const causes = [];
    const onReject = async (_error, { explain }) => causes.push((await explain()).cause);
    const send = async (key) => (await handler(new Webhook(key), () => {}, { onReject })(signedRequest("key", demoSession()))).status;
    return Response.json([sampleDelivery(demoSession()).type, await send("key"), await send("key\n"), causes]);
  },
};
