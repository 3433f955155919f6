/** The bytes of a WebAssembly module without its custom sections, of which the names of functions are one. */
export function withoutNames(module) {
  const kept = [module.subarray(0, 8)];
  for (let at = 8; at < module.length; ) {
    const section = at++;
    // The section's length: LEB128.
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = module[at++];
      length += (byte & 127) * 2 ** shift;
      more = byte > 127;
    }
    at += length;
    const custom = module[section] === 0;
    if (!custom) kept.push(module.subarray(section, at));
  }
  return Buffer.concat(kept);
}
