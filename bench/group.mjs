// Measures a group in a separate process: node bench/group.mjs <group> <lengths> <rounds>. Prints JSON: for each length
// and candidate, the microseconds per call, by round.
import { body, KEY } from "./bodies.mjs";
import { ready } from "./candidate.mjs";
import { ours } from "./ours.mjs";
import { peers } from "./peers.mjs";
import { rounds } from "./rounds.mjs";

const [group, lengths, count] = process.argv.slice(2);

const micros = {};
for (const length of lengths.split(",")) {
  const bytes = body(Number(length));
  const candidates = [];
  for (const candidate of [ours[group], ...peers[group]]) candidates.push(await ready(candidate, KEY, bytes));
  micros[length] = await rounds(candidates, { count: Number(count) });
}
console.log(JSON.stringify(micros));
