import type { ServiceChange, TrackedPort } from "./tracker.ts";

/** Services with a health check nodePort, by key: what their health check server does, in words. */
export function updatedHealthChecks(
  previous: ReadonlyMap<string, string>,
  changes: readonly ServiceChange[],
): ReadonlyMap<string, string> {
  const has = ({ port }: TrackedPort): boolean => port.healthCheckNodePort !== 0;
  const relevant = changes.filter(({ before, after }) => before.some(has) || after.some(has));
  if (relevant.length === 0) return previous;
  const checks = new Map(previous);
  for (const { key, after } of relevant) {
    const port = after.find(has)?.port;
    if (port === undefined) checks.delete(key);
    else checks.set(key, `health check server: ${port.namespace}/${port.name} -> port ${port.healthCheckNodePort}`);
  }
  return checks;
}
