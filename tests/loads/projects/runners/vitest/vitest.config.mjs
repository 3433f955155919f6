// No test depends on the machine's speed: 5 s, the default, is too short on a busy one.
export default { test: { testTimeout: 600_000 } };
