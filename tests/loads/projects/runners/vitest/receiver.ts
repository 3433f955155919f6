// The tested function, which handles deliveries.
import type { Delivery } from "walnut-webhooks";

export const contacts: string[] = [];

export async function onDelivery(delivery: Delivery): Promise<void> {
  if (delivery.type !== "demo_session_finished") return;
  const { email } = delivery.event.data.user;
  if (typeof email === "string") contacts.push(email);
}
