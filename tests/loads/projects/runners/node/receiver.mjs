// The tested function, which handles deliveries.
export const contacts = [];

export async function onDelivery(delivery) {
  if (delivery.type === "demo_session_finished") contacts.push(delivery.event.data.user.email);
}
