// What was measured, as text for people.

/** Sets rows under a head, the first column left, the others right. */
export function columns(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  ");
  return all.map(line).join("\n");
}

/** A group's table: microseconds per call and ×, ours divided by theirs with its quartiles. */
export function table(group, sizes, ratios, absolute) {
  const cell = (name, size) => {
    const compared = ratios[name]?.[size];
    const micros = `${digits(absolute[name][size])} µs`;
    return compared === undefined ? micros : `${micros}  ×${quartiles(compared)}`;
  };
  const rows = Object.keys(absolute).map((name) => [name, ...sizes.map((size) => cell(name, size))]);
  const head = [group, ...sizes.map((size) => `${size} B`)];
  return `${columns(head, rows)}\n`;
}

const quartiles = ({ ratio, low, high }) => `${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
const digits = (value) => (value < 100 ? value.toFixed(2) : value.toFixed(0));
