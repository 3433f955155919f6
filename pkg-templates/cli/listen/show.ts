// Shows the received requests.
import type { Delivery } from "walnut-webhooks";
import { deliveryLines, explanationLines } from "../show.js";
import { bytes, duration, json, line, paint, plain } from "../terminal.js";
import type { Processed } from "./intake.js";

/** Shows a request; `status` is the response's status, if a response was sent. */
export function show(processed: Processed, status: number | undefined, isJson: boolean): void {
  if (isJson) return json(asJson(processed, status));
  const { arrival, delivery, rejection, explanation, times, saved, forwarded } = processed;
  const mark = rejection === undefined ? paint("green", "✓") : paint("red", "✕");
  const name = delivery === undefined ? "" : plain(delivery.name ?? "no name");
  const head = [
    paint("dim", arrival.at.toTimeString().slice(0, 8)),
    `${mark} ${paint("bold", rejection?.code ?? name)}`,
    bytes(arrival.body.length),
    ...(status === undefined ? [] : [`answered ${status}`]),
  ];
  line(head.join("  "));
  const lines = explanation !== undefined && !explanation.ok ? explanationLines(explanation).slice(1) : rejection !== undefined ? [rejection.message] : [];
  if (delivery !== undefined) lines.push(...("drift" in delivery ? deliveryLines(delivery) : knownLines(delivery)));
  if (times > 1) lines.push(label("again", paint("yellow", `this id was received ${times} times`)));
  if (saved !== undefined) lines.push(label("saved", saved));
  if (forwarded !== undefined) lines.push(label("forward", forwardLine(forwarded)));
  for (const text of lines) line(`          ${text}`);
}

function knownLines({ type, id }: { type: string; id: string }): string[] {
  return [label("type", plain(type)), label("id", plain(id)), label("key", paint("dim", "verified by the edge, not on this machine"))];
}

function label(name: string, value: string): string {
  return `${paint("dim", name.padEnd(9))} ${value}`;
}

function forwardLine({ last, attempts, judgement }: NonNullable<Processed["forwarded"]>): string {
  const tries = attempts.length > 1 ? `, after ${attempts.length} attempts` : "";
  if (last.status === null) return paint("red", `${last.error}${tries}`);
  const text = `${last.status} in ${duration(last.ms)}${tries}`;
  return judgement.accepted ? paint("green", text) : paint("red", `${text}: ${judgement.why}`);
}

function asJson({ arrival, delivery, rejection, explanation, times, saved, forwarded }: Processed, status: number | undefined): unknown {
  return {
    at: arrival.at.toISOString(),
    ok: rejection === undefined,
    bytes: arrival.body.length,
    ...(status !== undefined && { status }),
    ...(delivery !== undefined && { delivery: whole(delivery), times }),
    ...(rejection !== undefined && { error: { code: rejection.code, message: rejection.message } }),
    ...(explanation !== undefined && { explanation }),
    ...(saved !== undefined && { saved }),
    ...(forwarded !== undefined && {
      forwarded: { status: forwarded.last.status, error: forwarded.last.error, ms: Math.round(forwarded.last.ms), attempts: forwarded.attempts.length },
    }),
  };
}

function whole(delivery: NonNullable<Processed["delivery"]>): unknown {
  if ("drift" in delivery) return delivery satisfies Delivery;
  const { id, name, type } = delivery;
  return { id, name, type };
}
