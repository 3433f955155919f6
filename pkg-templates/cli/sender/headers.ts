/** The header that contains Walnut's signature. Source: its help page on webhooks, "Verify webhooks". */
export const SIGNATURE_HEADER = "x-walnut-signature";

/** The headers of a delivery, by name. */
export function deliveryHeaders(signature: string | undefined): Record<string, string> {
  const headers = { "content-type": "application/json", "user-agent": "walnut-webhooks" };
  return signature === undefined ? headers : { ...headers, [SIGNATURE_HEADER]: signature };
}
