// The tested function, which handles deliveries.
const contacts = [];

exports.contacts = contacts;
exports.onDelivery = async (delivery) => {
  if (delivery.type === "demo_session_finished") contacts.push(delivery.event.data.user.email);
};
