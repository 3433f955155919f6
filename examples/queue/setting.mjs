const EXAMPLES = {
  QUEUE: "./bullmq.mjs, ./pg-boss.mjs or ./sqlite.mjs",
  REDIS_URL: "the address of Redis, such as redis://127.0.0.1:6379",
  DATABASE_URL: "the address of the database, such as postgres://user:password@127.0.0.1/webhooks",
  SERVICE_URL: "the address of the service that the worker calls, such as https://crm.example.com/sessions",
};

/** Returns an environment variable. If it is missing, prints an error and ends the program. */
export function setting(name) {
  const value = process.env[name];
  if (value) return value;
  console.error(`The environment variable ${name} is missing. Set it to ${EXAMPLES[name]}.`);
  process.exit(1);
}
