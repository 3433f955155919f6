// Compiles and instantiates WebAssembly. In an environment that can't run it, the error gives the cause and the fix.

/** Compiles a module. @throws Error that gives the cause and the fix. */
export function compileModule(compile: () => object): object {
  return run(compile);
}

/** Instantiates a module, and returns its exports. @throws Error that gives the cause and the fix. */
export function instantiateModule(module: object, imports: WebAssembly.Imports): WebAssembly.Exports {
  return run(() => new WebAssembly.Instance(module as WebAssembly.Module, imports).exports);
}

function run<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const reason = explain(String((cause as Error | undefined)?.message));
    throw reason === undefined ? cause : new Error(`walnut-webhooks can't run its WebAssembly: ${reason}`, { cause });
  }
}

/** Returns the cause and the fix, if the cause is known. Engines report it only in their messages. */
function explain(message: string): string | undefined {
  if (typeof WebAssembly === "undefined") return "this runtime has no WebAssembly. Start Node without --jitless.";
  if (/simd/i.test(message)) return "this processor lacks SIMD (SSE4.1). Use another machine.";
  if (/memory/i.test(message)) return "it can't reserve memory. Raise ulimit -v, or start Node with --disable-wasm-trap-handler.";
  if (/disallowed|blocked|policy/i.test(message)) {
    return (
      'this runtime does not compile code from bytes. Bundle with the condition "workerd" or "edge-light"; ' +
      "in a page, allow 'wasm-unsafe-eval' in script-src."
    );
  }
  return undefined;
}
