// Draws latencies over time: a dot for each expected response, and a cross for any other. The table next to the chart
// has the numbers.
import { duration } from "./answer.js";

export interface Point {
  /** When the response arrived, in milliseconds since the start. */
  readonly at: number;
  readonly ms: number;
  readonly ok: boolean;
}

const HEIGHT = 180;
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 8, 10, 28];
const RADIUS = 3;

/** Draws the chart with a width in pixels. */
export function chart(points: readonly Point[], width: number): SVGSVGElement {
  const most = { at: Math.max(1, ...points.map(({ at }) => at)), ms: Math.max(1, ...points.map(({ ms }) => ms)) };
  const x = (at: number) => LEFT + (at / most.at) * (width - LEFT - RIGHT - 2 * RADIUS) + RADIUS;
  const y = (ms: number) => HEIGHT - BOTTOM - (ms / most.ms) * (HEIGHT - TOP - BOTTOM - 2 * RADIUS) - RADIUS;
  const label = (text: string, x: number, y: number, anchor: string) => svg("text", { x, y, "text-anchor": anchor }, text);
  const line = (value: number) => svg("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) });
  const marks = points.map(({ at, ms, ok }) => {
    const [cx, cy] = [x(at), y(ms)];
    return ok
      ? svg("circle", { cx, cy, r: RADIUS })
      : svg("path", { class: "bad", d: `M${cx - RADIUS} ${cy - RADIUS}l${2 * RADIUS} ${2 * RADIUS}m0 ${-2 * RADIUS}l${-2 * RADIUS} ${2 * RADIUS}` });
  });
  const bad = points.filter(({ ok }) => !ok).length;
  const name = `Latency of ${points.length} responses over time; ${bad} not as expected. The table has the numbers.`;
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": name },
    line(0), line(most.ms / 2), line(most.ms), ...marks,
    ...[0, most.ms / 2, most.ms].map((ms) => label(ms === 0 ? "0" : duration(ms), LEFT - 8, y(ms) + 4, "end")),
    label("start", LEFT, HEIGHT - 8, "start"), label(duration(most.at), width - RIGHT, HEIGHT - 8, "end"));
}

function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
