import { Controller, Next, Post, Req, Res } from "@nestjs/common";
import type { NextFunction, Request, Response } from "express";
import { type Delivery, Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/express";

@Controller("webhook")
export class WebhookController {
  readonly #receive = handler(new Webhook(process.env.WALNUT_WEBHOOK_KEY), (delivery) => this.handle(delivery));

  @Post()
  receive(@Req() request: Request, @Res() response: Response, @Next() next: NextFunction): void {
    this.#receive(request, response, next);
  }

  async handle(delivery: Delivery): Promise<void> {
    console.log(delivery.type, delivery.id);
  }
}
