// Receives Walnut's webhooks in NestJS:  npx tsc && WALNUT_WEBHOOK_KEY=... node dist/main.js
import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import { WebhookController } from "./webhook.controller.js";

@Module({ controllers: [WebhookController] })
class AppModule {}

// `rawBody` keeps the raw body beside the parsed one. The signature covers the raw body.
const app = await NestFactory.create<NestExpressApplication>(AppModule, { rawBody: true, logger: ["error", "warn"] });
// NestJS limits bodies to 100 KB, but events can be longer. The package rejects bodies over its own limit.
app.useBodyParser("json", { limit: "2mb" });
await app.listen(process.env.PORT ?? 3000, "127.0.0.1");
console.log(`listening on ${await app.getUrl()}/webhook`);
