import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { Family } from "../wire/address.ts";
import type { Resolution } from "./probe/probe.ts";
import type { Who } from "./who.ts";
import type { World } from "./world.ts";
export function resolveHost(_w: World, _who: Who, _n: NetworkNamespace, _h: string, _f: readonly Family[], done: (r: Resolution) => void): void { done({ kind: "unknown", reason: "no dns yet" }); }
