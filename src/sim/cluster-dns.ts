import type { Pod } from "../cluster/objects.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { World } from "./world.ts";
export function serveClusterDns(_w: World, _p: Pod, _n: NetworkNamespace): boolean { return false; }
