// Receives Walnut's webhooks in NestJS:  npx tsc && WALNUT_WEBHOOK_KEY=... node dist/main.js
import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import { WebhookController } from "./webhook.controller.js";

@Module({ controllers: [WebhookController] })
class AppModule {}

// `rawBody` keeps the bytes beside what Nest parses of them: it is they that are signed.
const app = await NestFactory.create<NestExpressApplication>(AppModule, { rawBody: true, logger: ["error", "warn"] });
// Nest's own limit is 100 KB, and an event may be longer; what is too long is refused by walnut-webhooks.
app.useBodyParser("json", { limit: "2mb" });
await app.listen(process.env.PORT ?? 3000, "127.0.0.1");
console.log(`listening on ${await app.getUrl()}/webhook`);
