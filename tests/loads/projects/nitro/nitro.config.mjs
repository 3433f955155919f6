export default {
  preset: "cloudflare_module",
  compatibilityDate: "2026-04-01",
  experimental: { wasm: true },
};
