// Formats the results.

/** Formats rows under a head. The first column is aligned left, the others right. */
export function columns(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  ");
  return `${all.map(line).join("\n")}\n`;
}

const digits = (value) => (value < 100 ? value.toFixed(2) : value.toFixed(0));
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const ms = (value) => `${value.toFixed(1)} ms`;

/** Shows whether each goal is met. */
export function goalTable(goals) {
  return columns(
    ["goal", "", "measured", ""],
    goals.map(({ name, goal, measured, met }) => [name, goal, measured, met ? "met" : "NOT MET"]),
  );
}

/** Formats a group's table: microseconds a call, and ×, which is ours divided by theirs, with its quartiles. */
export function groupTable(group, ratios, absolute) {
  const lengths = Object.keys(Object.values(absolute)[0]);
  const cell = (name, length) => {
    const micros = `${digits(absolute[name][length])} µs`;
    if (ratios[name] === undefined) return micros;
    const { ratio, low, high } = ratios[name][length];
    return `${micros} ×${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
  };
  const rows = Object.keys(absolute).map((name) => [name, ...lengths.map((length) => cell(name, length))]);
  return columns([group, ...lengths.map((length) => `${length} B`)], rows);
}

export function sizeTable(sizes) {
  const rows = Object.entries(sizes).map(([name, { bytes, gzip }]) => [name, kib(bytes), kib(gzip)]);
  return columns(["bundled for a browser", "minified", "gzipped"], rows);
}

export function importTable(importMs) {
  const rows = Object.entries(importMs).map(([way, { total, empty, extra }]) => [way, ms(total), ms(empty), ms(extra)]);
  return columns(["process start to first delivery", "with", "empty", "extra"], rows);
}

export function memoryTable(memory) {
  const rows = Object.entries(memory).map(([way, held]) => [way, kib(held[10]), kib(held[1000])]);
  return columns(["WebAssembly memory, bodies of 1 MiB", "after 10", "after 1,000"], rows);
}
