import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";
import { demoSession, sampleDelivery, signedRequest } from "walnut-webhooks/testing";

export default {
  async fetch() {
    const POST = handler(new Webhook("key"), () => {});
    const [forged, signed] = [await POST(signedRequest("another key", demoSession())), await POST(signedRequest("key", demoSession()))];
    return Response.json([sampleDelivery(demoSession()).type, forged.status, signed.status]);
  },
};
