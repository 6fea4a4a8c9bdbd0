import { groupBy } from "../cluster/group.ts";
import type { Pod } from "../cluster/objects.ts";

const byNode = new WeakMap<readonly Pod[], ReadonlyMap<string, readonly Pod[]>>();

/** The running pods of a node, in the order of the list, which is walked once for all nodes. */
export function runningPodsOf(pods: readonly Pod[], node: string): readonly Pod[] {
  let groups = byNode.get(pods);
  if (groups === undefined) {
    const running = pods.filter(({ spec, status }) => spec.nodeName !== undefined && status.phase === "Running");
    groups = groupBy(running, ({ spec }) => spec.nodeName ?? "");
    byNode.set(pods, groups);
  }
  return groups.get(node) ?? [];
}
